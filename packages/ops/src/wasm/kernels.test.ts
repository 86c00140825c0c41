import '../gradients.js'
import { setFlagsFromString } from 'node:v8'
import { expectClose, randomTensors, startBackend, TOLERANCES } from '@learngene/testing'
import {
  dispose,
  findBackendFactory,
  grads,
  registerBackend,
  removeBackend,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { adamW, adamWRow } from '../adamw.js'
import { attention } from '../attention.js'
import { gelu } from '../gelu.js'
import { findKernel, type OpsMode, setOps } from '../kernels.js'
import { layerNorm } from '../layer-norm.js'
import { linear } from '../linear.js'
import { guardState, guardStep } from '../step-guard.js'
import { normCases, normInputs } from '../testing/norm-cases.js'
import { poisonFreedMemory } from '../testing/poison.js'
import { RELAXED_SIMD_MODULE } from './module.generated.js'

const seed = fc.nat()
const width = fc.integer({ min: 1, max: 70 })

/** Starts a fresh wasm backend whose kernels are of the given build. */
async function start(build: 'plain' | 'relaxed'): Promise<void> {
  await startBackend('wasm')
  const factory = findBackendFactory('wasm')
  removeBackend('wasm')
  registerBackend('wasm', factory)
  await startBackend('wasm')
  const relaxed = Buffer.from(RELAXED_SIMD_MODULE, 'base64')
  if (build === 'relaxed' && !WebAssembly.validate(relaxed)) setFlagsFromString('--experimental-wasm-relaxed-simd') // Node 20
  const validate = vi.spyOn(WebAssembly, 'validate')
  if (build === 'plain') validate.mockReturnValueOnce(false)
  expect(findKernel('LearngeneLinear')).toBeDefined()
  expect(validate.mock.results.map(({ value }) => value)).toEqual(build === 'plain' ? [false, true] : [true])
  validate.mockRestore()
}

/** Value and gradients of every input, in both modes; the own kernels run on poisoned memory. */
async function compareModes(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor): Promise<void> {
  const run = (mode: OpsMode) => {
    setOps(mode)
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  }
  const expected = run('reference')
  poisonFreedMemory(...expected.map((tensor) => tensor.shape))
  const actual = run('auto')
  for (const [i, tensor] of actual.entries()) {
    await expectClose(tensor, expected[i]!, TOLERANCES.wasm.kernel, i === 0 ? 'value' : `gradient ${i - 1} of ${tensor.shape}`)
  }
  dispose([expected, actual, inputs, dy])
}

describe.each(['plain', 'relaxed'] as const)('with the %s SIMD build', (build) => {
  beforeAll(() => start(build))
  afterEach(() => setOps('auto'))

  test('the kernels are there', () => {
    for (const name of ['LearngeneLinear', 'LearngeneAttentionGrad', 'LearngeneAdamW'] as const) expect(findKernel(name)).toBeDefined()
  })

  test('linear equals its reference form on any shape', async () => {
    const rows = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 90, max: 110 }))
    const depth = fc.oneof(width, fc.integer({ min: 380, max: 400 }))
    await fc.assert(
      fc.asyncProperty(seed, rows, depth, width, fc.boolean(), async (seed, rows, inputs, outputs, inputGradient) => {
        const random = randomTensors(seed)
        const x = random<Tensor2D>([rows, inputs])
        const parameters = [random([outputs, inputs], 0.2), random([outputs])]
        const dy = random([rows, outputs])
        if (inputGradient) {
          await compareModes((x, weight, bias) => linear(x!, weight as Tensor2D, bias as Tensor1D), [x, ...parameters], dy)
        } else {
          await compareModes((weight, bias) => linear(x, weight as Tensor2D, bias as Tensor1D, { inputGradient }), parameters, dy)
          x.dispose()
        }
      }),
      { numRuns: 60 },
    )
  })

  test('linear equals its reference form where one block of columns or depth does not do', async () => {
    const random = randomTensors(1)
    const inputs = [random([5, 1030], 0.1), random([1101, 1030], 0.1), random([1101])]
    await compareModes((x, weight, bias) => linear(x!, weight as Tensor2D, bias as Tensor1D), inputs, random([5, 1101], 0.1))
  })

  test('gelu equals its reference form on any shape', async () => {
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 600 }), async (seed, length) => {
        const random = randomTensors(seed)
        await compareModes((x) => gelu(x!), [random([length], 3)], random([length]))
      }),
    )
  })

  test.each(Object.keys(normCases))('%s equals its reference form on any shape', async (name) => {
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 12 }), width, async (seed, rows, width) => {
        const random = randomTensors(seed)
        await compareModes(normCases[name]!, normInputs(random, rows, width), random([rows, width]))
      }),
    )
  })

  test('attention equals its reference form on any shape', async () => {
    const size = fc.integer({ min: 1, max: 19 })
    await fc.assert(
      fc.asyncProperty(
        seed,
        fc.integer({ min: 1, max: 3 }),
        fc.oneof(size, fc.constant(67)),
        fc.integer({ min: 1, max: 4 }),
        size,
        async (...sizes) => {
          const [seed, images, tokens, heads, headWidth] = sizes
          const random = randomTensors(seed)
          const qkv = random<Tensor3D>([images, tokens, 3 * heads * headWidth])
          poisonFreedMemory([tokens, tokens], [2 * tokens, tokens])
          await compareModes((qkv) => attention(qkv as Tensor3D, heads), [qkv], random([images, tokens, heads * headWidth]))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('adamW equals its reference form on any shape', async () => {
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), async (seed, length, step) => {
        const results = (['reference', 'auto'] as const).map((mode) => {
          setOps(mode)
          const random = randomTensors(seed)
          const [parameter, m, v] = [variable(random([length])), variable(random([length])), variable(zeros([length]))]
          const gradient = random([length])
          poisonFreedMemory([length])
          const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
          const scalars = tensor2d([adamWRow({ learningRate: 0.01, weightDecay: 0.05, step }, constants), [0.5, 0, 0, 0]])
          adamW([{ parameter, gradient, m, v, row: 0 }], scalars, constants)
          dispose([gradient, scalars])
          return [parameter, m, v]
        })
        for (const [i, tensor] of results[1]!.entries()) await expectClose(tensor, results[0]![i]!, TOLERANCES.wasm.kernel)
        dispose(results)
      }),
      { numRuns: 50 },
    )
  })

  test('a step is judged by the squares of gradients of any length', async () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 4080, max: 12_400 })), {
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(seed, lengths, fc.boolean(), async (seed, lengths, spoiled) => {
        const gradients = lengths.map((length, i) => randomTensors(seed + i)([length]))
        const values = (await Promise.all(gradients.map((gradient) => gradient.data()))).flatMap((each) => Array.from(each))
        const last = tensor1d([spoiled ? Number.NaN : 2])
        const guard = guardStep(scalar(1), [...gradients, last], zeros([1, 4]), guardState())
        const [leftOut, norm] = await guard.numbers.data()
        expect(leftOut).toBe(spoiled ? 1 : 0)
        if (!spoiled) expect(Math.abs(norm! / Math.hypot(...values, 2) - 1)).toBeLessThan(1e-6)
        dispose([gradients, last, guard.table, guard.numbers])
      }),
      { numRuns: 50 },
    )
  })

  test('a batch of no rows gives no rows, and zeros for the parameters', async () => {
    const random = randomTensors(1)
    const run = async (f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor) => {
      poisonFreedMemory([5, 3], [5], [6])
      for (const [i, gradient] of grads(f)(inputs, dy).entries()) await expectClose(gradient, zeros(inputs[i]!.shape), 0)
      expect(f(...inputs).shape).toEqual(dy.shape)
    }
    const parameters = [random([5, 3]), random([5])]
    await run((x, weight, bias) => linear(x!, weight as Tensor2D, bias as Tensor1D), [random([0, 3]), ...parameters], random([0, 5]))
    await run(
      (x, gamma, beta) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D),
      [random([0, 6]), random([6]), random([6])],
      random([0, 6]),
    )
    await run((x) => gelu(x!), [random([0, 7])], random([0, 7]))
    await run((qkv) => attention(qkv as Tensor3D, 2), [random([0, 5, 24])], random([0, 5, 8]))
  })

  test('tensors that are not float32 are refused', () => {
    expect(() => gelu(tensor1d([1, 2], 'int32'))).toThrow('the wasm kernels take float32 tensors, got int32')
  })
})
