import { importPackage } from './import-package.js'
import { initialise } from './initialise.js'
import type { Starter } from './starter.js'

export const cpu: Starter = {
  name: 'cpu',
  engineName: 'cpu',
  async start() {
    const { version_cpu } = await importPackage('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'))
    // Its first operation would print an advertisement for tfjs-node; whoever calls us has been told what runs and why.
    Object.assign(await initialise('cpu'), { firstUse: false })
    return { version: version_cpu, device: null, features: [] }
  },
}
