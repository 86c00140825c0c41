import '@tensorflow/tfjs-backend-cpu'
import type { Reporter } from '@learngene/interfaces'
import { setBackend } from '@tensorflow/tfjs-core'
import { adamW } from './adamw.js'
import { type Group, shareOf } from './group.js'
import { createRegression } from './regression.fixture.js'
import { createRng } from './rng.js'
import { train } from './train.js'

/** Ten steps of data-parallel training, eight examples a step. */
export async function trainRegression(group: Group, report: Reporter, startBackend: () => Promise<unknown> = () => setBackend('cpu')) {
  await startBackend()
  const { parameters, loss, values } = createRegression({ count: 32 })
  const order = createRng(3).permutation(32)
  const losses = await train({
    parameters,
    steps: 10,
    loss: (step) => loss(shareOf(group, order.slice((step % 4) * 8, (step % 4) * 8 + 8))),
    optimizer: adamW(),
    learningRate: () => 0.05,
    clipNorm: 1,
    group,
    report,
  })
  return { losses, values: await values() }
}
