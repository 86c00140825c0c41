import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'
import type { NamedTensors } from '@learngene/interfaces/tensors'
import { adamW, classTargets, crossEntropy, type OpsMode, setOps } from '@learngene/ops'
import {
  dispose,
  mean,
  memory,
  type Scalar,
  setBackend,
  tidy,
  type Variable,
  variable,
  variableGrads,
  zerosLike,
} from '@tensorflow/tfjs-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { disposeNetwork, forward, type Network, parametersOf } from './network.js'
import { relativeError } from './testing/close.js'
import { goldenInput, goldenNetwork, goldenValues, valuesOf, withoutKeyBias } from './testing/golden.js'

/** Relative error of one tensor, ||a - b|| / ||b||: float32 against PyTorch in float64. */
const tolerances = { outputs: 1e-5, gradients: 1e-4, adamW: 1e-5 }

const features = ['patch_embed', 'block.0', 'attn.0', 'block.1', 'attn.1', 'block.2', 'attn.2', 'norm']

function lossOf(network: Network, { images, labels }: Awaited<ReturnType<typeof goldenInput>>): Scalar {
  return tidy(() => mean(crossEntropy(forward(network, images).logits, classTargets(labels, network.head.classes))))
}

function gradientsOf(network: Network, input: Awaited<ReturnType<typeof goldenInput>>): NamedTensors {
  const parameters = parametersOf(network)
  const { value, grads } = variableGrads(() => lossOf(network, input), Object.values(parameters))
  value.dispose()
  return Object.fromEntries(Object.entries(parameters).map(([name, { name: variableName }]) => [name, grads[variableName]!]))
}

/** Relative errors above the tolerance, by name: nothing when all is well. */
function misses(found: Map<string, Float32Array>, expected: Map<string, Float32Array>, tolerance: number): { [name: string]: number } {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
  const errors = [...expected].map(([name, values]) => [
    name,
    relativeError(withoutKeyBias(name, found.get(name)!), withoutKeyBias(name, values)),
  ])
  return Object.fromEntries(errors.filter(([, error]) => !((error as number) <= tolerance)))
}

describe.each<[backend: 'cpu' | 'wasm', ops: OpsMode]>([
  ['cpu', 'reference'],
  ['cpu', 'auto'],
  ['wasm', 'reference'],
  ['wasm', 'auto'],
])("a ViT against PyTorch's numbers on %s with ops '%s'", (backend, ops) => {
  beforeEach(async () => {
    await setBackend(backend)
    setOps(ops)
    return () => setOps('auto')
  })

  it('computes the same features, logits and loss, and leaves no tensor behind', async () => {
    const before = memory().numTensors
    const network = await goldenNetwork()
    const input = await goldenInput()
    const result = forward(network, input.images, { features })
    const loss = lossOf(network, input)
    const found = await valuesOf({ ...result.features, logits: result.logits, loss })
    const timmName = (name: string) => name.replace(/^block\.(\d+)$/, 'blocks.$1').replace(/^attn\.(\d+)$/, 'blocks.$1.attn')
    const named = new Map([...found].map(([name, values]) => [timmName(name), values]))
    expect(misses(named, await goldenValues('out'), tolerances.outputs)).toEqual({})
    dispose([result.features, result.logits, loss, input.images])
    disposeNetwork(network)
    expect(memory().numTensors).toBe(before)
  })

  it('computes the same gradients, and none for the key bias', async () => {
    const before = memory().numTensors
    const network = await goldenNetwork()
    const input = await goldenInput()
    const gradients = gradientsOf(network, input)
    const found = await valuesOf(gradients)
    expect(misses(found, await goldenValues('grad'), tolerances.gradients)).toEqual({})
    for (const [name, values] of found) {
      if (name.endsWith('attn.qkv.bias')) {
        const width = values.length / 3
        expect(values.subarray(width, 2 * width).every((value) => value === 0)).toBe(true)
      }
    }
    dispose([gradients, input.images])
    disposeNetwork(network)
    expect(memory().numTensors).toBe(before)
  })

  it('takes the same three AdamW steps, each with as many tensors as the one before', async () => {
    const network = await goldenNetwork()
    const input = await goldenInput()
    const zeros = (like: Variable) => {
      const initial = zerosLike(like)
      const result = variable(initial)
      initial.dispose()
      return result
    }
    const parameters = parametersOf(network)
    const moments = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, { m: zeros(value), v: zeros(value) }]))
    const before = memory().numTensors
    for (const step of [1, 2, 3]) {
      const gradients = gradientsOf(network, input)
      for (const [name, gradient] of Object.entries(gradients)) {
        adamW(parameters[name]!, gradient, moments[name]!, {
          learningRate: 1e-3,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          weightDecay: 0.05,
          step,
        })
      }
      dispose(gradients)
      expect(memory().numTensors).toBe(before)
    }
    expect(misses(await valuesOf(parameters), await goldenValues('adamw3'), tolerances.adamW)).toEqual({})
    dispose([moments as unknown as NamedTensors, input.images])
    disposeNetwork(network)
  })
})
