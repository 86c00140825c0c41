import '@learngene/ops/gradients'
import { attention, layerNorm, linear, mlp } from '@learngene/ops'
import { checkGradients, describeEachBackend, expectClose, randomTensors } from '@learngene/testing'
import { add, dispose, grads, mul, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { it } from 'vitest'
import { type ReadWeight, withoutWeights } from './parameters.js'
import { createRng } from './testing/rng.js'
import { createTransformerBlock } from './transformer-block.js'

const config = { width: 4, heads: 2, mlpRatio: 2 }

const planned = (read?: ReadWeight) => withoutWeights(() => createTransformerBlock(config, createRng(0), read))

const shapes = Object.entries(planned().parameters).map(([name, { shape }]) => [name, shape] as const)

/** x [2, 3, 4] and the weights in the block's order, the scales of norms near one. */
function drawn(seed: number): Tensor[] {
  const random = randomTensors(seed)
  const weight = (name: string, shape: number[]) =>
    name.startsWith('norm') && name.endsWith('.weight') ? tidy(() => add(random(shape, 0.2), 1)) : random(shape, 0.4)
  return [random([2, 3, 4]), ...shapes.map(([name, shape]) => weight(name, shape))]
}

type Operation = (...inputs: Tensor[]) => Tensor

/** The block's output, and with `recorded` also some of what it records. */
const block =
  (recorded: boolean): Operation =>
  (x, ...weights) =>
    tidy(() => {
      const read = (name: string) => weights[shapes.findIndex(([other]) => other === name)]!
      let attended: Tensor | undefined
      const record = (_name: string, value: Tensor) => {
        attended = value
      }
      const y = planned(read).forward(x as Tensor3D, recorded ? { record } : {})
      return attended ? add(y, mul(attended, 2)) : y
    })

/** The same in plain operations: each residual connection reads what layer norm reads. */
const composed =
  (recorded: boolean): Operation =>
  (x, ...weights) =>
    tidy(() => {
      const vector = (name: string) => weights[shapes.findIndex(([other]) => other === name)] as Tensor1D
      const matrix = (name: string) => vector(name) as Tensor as Tensor2D
      const norm = (input: Tensor, name: string) => layerNorm(input, vector(`${name}.weight`), vector(`${name}.bias`))
      const map = (input: Tensor, name: string, options = {}) => linear(input, matrix(`${name}.weight`), vector(`${name}.bias`), options)
      const qkv = map(norm(x!, 'norm1'), 'attn.qkv', { frozenBias: { begin: 4, end: 8 } }) as Tensor3D
      const attended = map(attention(qkv, 2), 'attn.proj')
      const middle = add(x!, attended)
      const [weight1, weight2] = [matrix('mlp.fc1.weight'), matrix('mlp.fc2.weight')]
      const perceptron = { weight1, bias1: vector('mlp.fc1.bias'), weight2, bias2: vector('mlp.fc2.bias') }
      const y = add(middle, mlp(norm(middle, 'norm2'), perceptron))
      return recorded ? add(y, mul(attended, 2)) : y
    })

describeEachBackend(({ tolerances }) => {
  it.each([
    ['alone', false],
    ['with what it records', true],
  ])('has the values and gradients of plain operations, its output %s', async (_, recorded) => {
    const inputs = drawn(1)
    const dy = randomTensors(2)([2, 3, 4])
    const run = (f: Operation) => tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])
    const [actual, expected] = [run(block(recorded)), run(composed(recorded))]
    const names = ['output', 'x', ...shapes.map(([name]) => name)]
    for (const [i, name] of names.entries()) await expectClose(actual[i]!, expected[i]!, tolerances.kernel, name)
    dispose([inputs, dy, actual, expected])
  })

  it('has the gradient of its input that differences have, and leaks nothing', async () => {
    const [x, ...weights] = drawn(3)
    await checkGradients((x) => block(false)(x, ...weights), [x!], tolerances.numericGradient)
    dispose(weights)
  })
})
