import {
  engine,
  getBackend,
  getKernelsForBackend,
  matMul,
  memory,
  mul,
  reshape,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core'
import { expect, test, vi } from 'vitest'
import { cpu } from './cpu.js'
import type { MeasurableNetwork, Starter } from './starter.js'
import { useBackend, useFastest, useFirst } from './use-backend.js'
import { wasm } from './wasm.js'

const product = () => {
  const [a, b] = [tensor2d([1, 2, 3, 4], [2, 2]), tensor2d([5, 6, 7, 8], [2, 2])]
  return Array.from(tidy(() => matMul(a, b)).dataSync())
}

test.each(['cpu', 'wasm', 'cpu'] as const)('%s starts and computes', async (name) => {
  await expect(useBackend(name)).resolves.toEqual({ name, version: '4.22.0', tried: [] })
  expect(getBackend()).toBe(name)
  expect(product()).toEqual([19, 22, 43, 50])
})

test('a tensor survives a change of the backend', async () => {
  await useBackend('cpu')
  const before = memory().numTensors
  const x = tensor2d([1, 2], [1, 2])
  await useBackend('wasm')
  expect(Array.from(matMul(x, x, false, true).dataSync())).toEqual([5])
  x.dispose()
  expect(memory().numTensors).toBe(before + 1)
})

test('five calls at once make one instance, and the last call wins', async () => {
  const used = await Promise.all((['wasm', 'cpu', 'wasm', 'cpu', 'wasm'] as const).map((name) => useBackend(name)))
  expect(used.map(({ name }) => name)).toEqual(['wasm', 'cpu', 'wasm', 'cpu', 'wasm'])
  expect(getBackend()).toBe('wasm')
  const { registry, profiler } = engine() as unknown as { registry: { wasm: unknown }; profiler: unknown }
  await useBackend('wasm')
  expect(engine().registry.wasm).toBe(registry.wasm)
  expect((engine() as unknown as { profiler: unknown }).profiler).toBe(profiler)
})

test('the kernels of our operations come with a backend that is used, and with no other', async () => {
  const installers = () => ['wasm', 'webgpu', 'tensorflow'].filter((name) => getKernelsForBackend(name).some(isOurs))
  const isOurs = ({ kernelName }: { kernelName: string }) => kernelName.startsWith('Learngene')
  await useBackend('wasm')
  expect(installers()).toEqual(['wasm'])
})

test('recovers from a start of the engine itself that failed', async () => {
  engine().registerBackend('broken', () => {
    throw new Error('no')
  })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  await engine().setBackend('broken')
  warn.mockRestore()
  await useBackend('cpu')
  expect(product()).toEqual([19, 22, 43, 50])
})

test('auto takes one that can run here and says why it passed over the faster ones', async () => {
  const { name, tried } = await useBackend('auto')
  expect(['tensorflow-gpu', 'tensorflow', 'wasm']).toContain(name)
  expect(tried.map((each) => each.name)).toEqual(['tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm'].slice(0, tried.length))
  for (const { reason } of tried) expect(reason).toMatch(/^\S.{10,}$/)
})

test('a name that is none lists the names, and the current backend stays', async () => {
  await useBackend('cpu')
  await expect(useBackend('webgl' as 'cpu')).rejects.toThrow('must be one of auto, tensorflow-gpu, webgpu, tensorflow, wasm, cpu')
  expect(getBackend()).toBe('cpu')
})

const failing = (name: Starter['name'], reason: string): Starter => ({
  name,
  engineName: name,
  start: () => Promise.reject(new Error(`${reason}\n  and a second line`)),
})

test('the first that starts is taken; the reasons are single lines, in order', async () => {
  const refused: Starter = { ...cpu, name: 'webgpu', assertAuto: () => Promise.reject(new Error('its only adapter computes on the CPU')) }
  await expect(useFirst([failing('tensorflow-gpu', 'no CUDA'), refused, cpu, failing('wasm', 'never tried')], {})).resolves.toEqual({
    name: 'cpu',
    version: '4.22.0',
    tried: [
      { name: 'tensorflow-gpu', reason: 'no CUDA' },
      { name: 'webgpu', reason: 'its only adapter computes on the CPU' },
    ],
  })
})

test('a backend whose kernels do not load is not taken, and the current one stays', async () => {
  await useBackend('wasm')
  const loadKernels = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module: http://a/wasm.js'))
  await expect(useFirst([{ ...cpu, loadKernels }], {})).rejects.toThrow(
    /^no backend can be started: cpu: the kernels that @learngene\/ops has for it do not load \(Failed to fetch .*wasm\.js\); serve all files that the bundler has made$/,
  )
  expect(getBackend()).toBe('wasm')
})

test('where none starts, the error has every reason', async () => {
  await expect(useFirst([failing('wasm', 'no file'), failing('cpu', 'no package')], {})).rejects.toThrow(
    /^no backend can be started: wasm: no file; cpu: no package$/,
  )
})

/** Something with a network's parts: it doubles what it sees, and how often it has run is counted by backend. */
function countedNetwork() {
  const weight = variable(tensor1d([2]))
  const runs: { [backend: string]: number } = {}
  const network: MeasurableNetwork = {
    embedding: {
      geometry: { imageSize: [2, 3], channels: 1 },
      parameters: { weight },
      forward: (images) => reshape(images, [images.shape[0], 6, 1]) as Tensor3D,
    },
    blocks: [
      {
        parameters: {},
        forward(x) {
          runs[getBackend()] = (runs[getBackend()] ?? 0) + 1
          return mul(x, weight) as Tensor3D
        },
      },
    ],
    head: { parameters: {}, forward: (x) => x },
  }
  return { network, runs, weight }
}

test('auto takes the backend that is fastest for a network, says what each took, and moves its weights there', async () => {
  await useBackend('cpu')
  const { network, runs, weight } = countedNetwork()
  const before = memory().numTensors
  const slow: Starter = { ...cpu, name: 'tensorflow', loadKernels: () => new Promise((resolve) => setTimeout(resolve, 1)) }
  const missing: Starter = { ...cpu, name: 'webgpu', start: () => Promise.reject(new Error('there is no adapter')) }
  const used = await useFastest([missing, slow, wasm, cpu], network, { batch: 2 })
  expect(used.measured!.map(({ name }) => name).sort()).toEqual(['tensorflow', 'wasm'])
  const [fastest, other] = used.measured!
  expect(used.name).toBe(fastest!.name)
  expect(fastest!.ms).toBeLessThanOrEqual(other!.ms)
  expect(used.tried[0]).toEqual({ name: 'webgpu', reason: 'there is no adapter' })
  expect(used.tried[1]).toEqual({
    name: other!.name,
    reason: expect.stringMatching(/^it takes [\d.e-]+ ms for this network, \w+ [\d.e-]+ ms$/),
  })
  expect(Object.keys(runs).sort()).toEqual(['cpu', 'wasm'])
  expect(Array.from(weight.dataSync())).toEqual([2])
  expect(memory().numTensors).toBe(before)
  weight.dispose()
})

test('auto with a network takes plain JavaScript only where nothing else runs it', async () => {
  const { network, weight } = countedNetwork()
  expect((await useFastest([cpu], network, {})).name).toBe('cpu')
  const broken: MeasurableNetwork = { ...network, head: { parameters: {}, forward: () => { throw new Error('no such kernel') } } } // biome-ignore format: short
  await expect(useFastest([wasm, cpu], broken, {})).rejects.toThrow(
    'no backend can run the network: wasm: no such kernel; cpu: no such kernel',
  )
  weight.dispose()
})

test('what cannot be measured is refused', async () => {
  await expect(useBackend('auto', { measure: {} as never })).rejects.toThrow('measure must be a network, for example of loadModel')
  await expect(useBackend('auto', { batch: 0 })).rejects.toThrow('batch must be an integer of at least 1, got 0')
  await expect(useBackend('wasm', { measure: countedNetwork().network })).rejects.toThrow('measure belongs to auto: got wasm')
})
