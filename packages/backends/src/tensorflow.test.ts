import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { add, argMax, engine, exp, findBackendFactory, Tensor, tensor1d } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolvePackage } from './import-package.js'
import { makeCurrent } from './initialise.js'
import { nvidiaDevice, restoreUtil, tensorflow, tensorflowGpu } from './tensorflow.js'
import { registerInstallation, TENSORFLOW_PACKAGES, type TensorFlowName, tensorFlowDirectory } from './tensorflow-installation.js'

const registered = findBackendFactory('tensorflow') !== null
const isHere = (name: TensorFlowName) => resolvePackage(TENSORFLOW_PACKAGES[name]) !== undefined || existsSync(tensorFlowDirectory(name))
const here = registered || isHere('tensorflow')
const gpuHere = isHere('tensorflow-gpu')

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'learngene-backends-'))
})
afterAll(() => rm(root, { recursive: true }))

test.skipIf(here)('without tfjs-node: the command that brings it', async () => {
  await expect(tensorflow.start({})).rejects.toThrow(
    '@tensorflow/tfjs-node is not installed; get it with: npx learngene install-tensorflow',
  )
})

test.skipIf(registered || gpuHere)('without tfjs-node-gpu: the command that brings it', async () => {
  await expect(tensorflowGpu.start({})).rejects.toThrow(
    '@tensorflow/tfjs-node-gpu is not installed; get it with: npx learngene install-tensorflow --gpu',
  )
})

test.skipIf(!here || gpuHere)('with tfjs-node: starts without becoming current, and computes', async () => {
  const before = engine().backendName
  const { version, device, features } = await tensorflow.start({})
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  expect([device, features]).toEqual([null, [expect.stringMatching(/^threads \d+$/)]])
  if (before) expect(engine().backendName).toBe(before)
  await makeCurrent('tensorflow')
  const sum = add(tensor1d([1, 2]), 1)
  expect(sum).toBeInstanceOf(Tensor)
  expect(Array.from(sum.dataSync())).toEqual([2, 3])
  await expect(tensorflowGpu.start({})).rejects.toThrow('TensorFlow runs on the CPU in this process')
})

test.skipIf(!here || gpuHere)('with tfjs-node: its kernels find the chained methods that they call', async () => {
  await tensorflow.start({})
  await makeCurrent('tensorflow')
  expect(Array.from(argMax(tensor1d([0, 1, 0], 'bool')).dataSync())).toEqual([1])
  expect(Array.from(exp(tensor1d([0, 0], 'int32')).dataSync())).toEqual([1, 1])
})

const built = fileURLToPath(new URL('../dist/index.js', import.meta.url))

test.skipIf(!here || gpuHere || !existsSync(built))(
  'with tfjs-node: a process whose threads alone have loaded it ends with its own exit code',
  async () => {
    const file = join(root, 'thread.mjs')
    await writeFile(
      file,
      `import { isMainThread, Worker } from 'node:worker_threads'
if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('exit', (code) => { process.exitCode = code === 0 ? 3 : 1 })
} else {
  const { useBackend } = await import(${JSON.stringify(pathToFileURL(built))})
  await useBackend('tensorflow')
}
`,
    )
    const { status, signal } = spawnSync(process.execPath, [file], { stdio: 'ignore' })
    expect([status, signal]).toEqual([3, null])
  },
)

test('an installation is beside the TensorFlow.js that it is for', () => {
  expect(
    resolvePackage('@tensorflow/tfjs-core')!.startsWith(join(tensorFlowDirectory('tensorflow'), '..', '..', '@tensorflow', 'tfjs-core')),
  ).toBe(true)
})

test('without an installation nothing is registered', () => {
  expect(registerInstallation('tensorflow', join(root, 'nothing'))).toBe(false)
})

test('an installation that does not load says so, with the command that builds it again', async () => {
  const directory = join(root, 'broken')
  const addon = join(directory, 'node_modules', TENSORFLOW_PACKAGES['tensorflow-gpu'], 'lib', 'napi-v8')
  await mkdir(addon, { recursive: true })
  await writeFile(join(directory, 'package.json'), '{}')
  const message = (reason: RegExp) =>
    new RegExp(
      `^the TensorFlow in .*broken does not load \\(.*${reason.source}.*\\); build it again with: npx learngene install-tensorflow --gpu$`,
    )
  expect(() => registerInstallation('tensorflow-gpu', directory)).toThrow(message(/Cannot find module/))
  await writeFile(join(addon, 'tfjs_binding.node'), 'no library')
  expect(() => registerInstallation('tensorflow-gpu', directory)).toThrow(message(/tfjs_binding\.node/))
})

test('names the graphics cards', async () => {
  const cards = ['0000:19:00.0', '0000:3b:00.0', '0000:4c:00.0']
  for (const [i, card] of cards.entries()) {
    await mkdir(join(root, 'gpus', card), { recursive: true })
    await writeFile(join(root, 'gpus', card, 'information'), `Model: \t\t NVIDIA ${i === 1 ? 'A100' : 'H100'}\nIRQ:   \t\t 18\n`)
  }
  expect(await nvidiaDevice(join(root, 'gpus'))).toBe('NVIDIA H100, NVIDIA A100')
  expect(await nvidiaDevice(join(root, 'none'))).toBeNull()
})

test('puts back the functions of node:util that Node 23 took away, and replaces those that warn', () => {
  for (const util of [{}, { isArray: () => true }] as Parameters<typeof restoreUtil>[0][]) {
    restoreUtil(util)
    expect([null, undefined, 0, ''].map((value) => util.isNullOrUndefined!(value))).toEqual([true, true, false, false])
    expect([[], {}].map((value) => util.isArray!(value))).toEqual([true, false])
  }
})
