import '../gradients.js'
import { expectClose, randomTensors, startBackend, TOLERANCES } from '@learngene/testing'
import {
  add,
  dispose,
  engine,
  findBackendFactory,
  getKernel,
  grads,
  memory,
  registerBackend,
  removeBackend,
  setBackend,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { adamW, adamWRow } from '../adamw.js'
import { attention } from '../attention.js'
import { gelu } from '../gelu.js'
import { findKernel, type OpsMode, setOps } from '../kernels.js'
import { linear } from '../linear.js'
import { normCases, normInputs } from '../testing/norm-cases.js'

const available = inject('available')
const reason = available === null ? 'it runs under Node only' : available.find(({ name }) => name === 'tensorflow')!.reason
const skipped = reason !== null && !inject('required').includes('tensorflow')
const seed = fc.nat()
const width = fc.integer({ min: 1, max: 70 })
/** TensorFlow's Adam takes 1 - beta2 in float32, 1.3e-5 off 0.001: half of that stays in sqrt(v). */
const ADAM = 2e-5
const CONSTANTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }

/** Value and gradients of every input, in both modes. */
async function compareModes(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor): Promise<void> {
  const run = (mode: OpsMode) => {
    setOps(mode)
    return tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
  }
  const expected = run('reference')
  const before = memory().numTensors
  const actual = run('auto')
  expect(memory().numTensors).toBe(before + actual.length)
  for (const [i, tensor] of actual.entries()) {
    await expectClose(tensor, expected[i]!, TOLERANCES.tensorflow.kernel, i === 0 ? 'value' : `gradient ${i - 1} of ${tensor.shape}`)
  }
  dispose([expected, actual, inputs, dy])
}

describe.skipIf(skipped)(`on tensorflow${skipped ? ` (which is not here: ${reason})` : ''}`, () => {
  beforeAll(() => startBackend('tensorflow'))
  afterEach(() => setOps('auto'))

  test('the kernels are there, go with a removed backend, and a new backend gets its own', async () => {
    expect(findKernel('LearngeneLinear')).toBeDefined()
    const factory = findBackendFactory('tensorflow')
    removeBackend('tensorflow')
    expect(getKernel('LearngeneLinear', 'tensorflow')).toBeUndefined()
    registerBackend('tensorflow', factory)
    await setBackend('tensorflow')
    expect(findKernel('LearngeneLinear')).toBeDefined()
  })

  test('linear equals its reference form on any shape', async () => {
    await fc.assert(
      fc.asyncProperty(seed, width, width, width, fc.boolean(), async (seed, rows, inputs, outputs, inputGradient) => {
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
      { numRuns: 12 },
    )
  })

  test('gelu equals its reference form on any shape', async () => {
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 600 }), async (seed, length) => {
        const random = randomTensors(seed)
        await compareModes((x) => gelu(x!), [random([length], 3)], random([length]))
      }),
      { numRuns: 12 },
    )
  })

  test.each(Object.keys(normCases))('%s equals its reference form on any shape', async (name) => {
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 12 }), width, async (seed, rows, width) => {
        const random = randomTensors(seed)
        await compareModes(normCases[name]!, normInputs(random, rows, width), random([rows, width]))
      }),
      { numRuns: 12 },
    )
  })

  test('attention equals its reference form on any shape', async () => {
    const size = fc.integer({ min: 1, max: 19 })
    const images = fc.integer({ min: 1, max: 3 })
    const heads = fc.integer({ min: 1, max: 4 })
    await fc.assert(
      fc.asyncProperty(seed, images, fc.oneof(size, fc.constant(67)), heads, size, async (seed, images, tokens, heads, headWidth) => {
        const random = randomTensors(seed)
        const qkv = random<Tensor3D>([images, tokens, 3 * heads * headWidth])
        await compareModes((qkv) => attention(qkv as Tensor3D, heads), [qkv], random([images, tokens, heads * headWidth]))
      }),
      { numRuns: 12 },
    )
  })

  test('linear folds in GELU and a residual, and leaves a range of the bias without gradient', async () => {
    const random = randomTensors(3)
    const [x, weight, bias, residual] = [random<Tensor2D>([5, 4]), random<Tensor2D>([6, 4]), random<Tensor1D>([6]), random([5, 6])]
    const affine = linear(x, weight, bias)
    const [y, kept] = findKernel('LearngeneLinear')!({ x, weight, bias, residual }, { activation: 'gelu', keepPreActivation: true })
    await expectClose(kept!, affine, TOLERANCES.tensorflow.kernel)
    await expectClose(y!, add(gelu(affine), residual), TOLERANCES.tensorflow.kernel)
    const dy = random([5, 6])
    const gradient = (inputs: { [name: string]: Tensor }, attributes = {}) =>
      findKernel('LearngeneLinearGrad')!({ x, weight, dy, ...inputs }, { inputGradient: true, ...attributes })
    const [plain, folded] = [gradient({}), gradient({ preActivation: x }, { frozenBias: [2, 4] })]
    await expectClose(
      folded[1]!,
      Array.from(plain[1]!.dataSync(), (value, i) => (i === 2 || i === 3 ? 0 : value)),
      0,
    )
    await expectClose(folded[2]!, findKernel('LearngeneGeluGrad')!({ x, dy: plain[2]! })[0]!, TOLERANCES.tensorflow.kernel)
  })

  test('adamW equals its reference form over several steps on parameters of any shape, and leaves gradients alone', async () => {
    const length = fc.integer({ min: 1, max: 200 })
    await fc.assert(
      fc.asyncProperty(
        seed,
        fc.array(length, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        async (seed, lengths, first) => {
          const shapeOf = (length: number, row: number) => (row === 1 ? [1, length] : [length])
          const results = (['reference', 'auto'] as const).map((mode) => {
            setOps(mode)
            const random = randomTensors(seed)
            const slots = lengths.map((length, row) => {
              const shape = shapeOf(length, row)
              const parameter = variable(random(shape))
              return { parameter, m: variable(random(shape)), v: variable(zeros(shape)), gradient: random(shape), row }
            })
            const held = slots.map(({ parameter, gradient, m }) => [parameter, gradient, m].map((tensor) => tensor.clone()))
            const values = held.map((tensors) => tensors.map((tensor) => tensor.dataSync().slice()))
            for (let step = first; step < first + 3; step++) {
              const rates = lengths.map((_, i) => ({ learningRate: 0.01 * ((i % 2) + 1), weightDecay: 0.05 * (i % 2), step }))
              const scalars = tensor2d([...rates.map((rate) => adamWRow(rate, CONSTANTS)), ...rates.map(() => [0.5, 0, 0, 0])])
              const before = memory().numTensors
              adamW(slots, scalars, CONSTANTS)
              expect(memory().numTensors).toBe(before)
              scalars.dispose()
            }
            held.forEach((tensors, i) => {
              tensors.forEach((tensor, k) => void expect(tensor.dataSync()).toEqual(values[i]![k]))
            })
            dispose([held, slots.map(({ gradient }) => gradient)])
            return slots.flatMap(({ parameter, m, v }) => [parameter, m, v])
          })
          for (const [i, tensor] of results[1]!.entries()) await expectClose(tensor, results[0]![i]!, ADAM)
          dispose(results)
        },
      ),
      { numRuns: 8 },
    )
  })

  test('attention and its projection need fewer native calls than in the reference form', async () => {
    const native = vi.spyOn(engine().backend as never as { getInputTensorIds(): unknown }, 'getInputTensorIds')
    const random = randomTensors(1)
    const callsOf = (mode: OpsMode) => {
      setOps(mode)
      native.mockClear()
      const block = (x: Tensor, weight: Tensor, bias: Tensor) => attention(linear(x as Tensor3D, weight as Tensor2D, bias as Tensor1D), 2)
      dispose(grads(block as never)([random([2, 5, 8]), random([24, 8]), random([24])]))
      return native.mock.calls.length
    }
    const [reference, own] = [callsOf('reference'), callsOf('auto')]
    native.mockRestore()
    expect(own).toBeGreaterThan(10)
    expect(own).toBeLessThan(0.75 * reference)
  })
})
