import {
  add,
  matMul,
  mean,
  type Scalar,
  square,
  sub,
  type Tensor2D,
  tanh,
  tensor,
  tensor2d,
  tidy,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core'
import { createRng } from './rng.js'

export type Regression = ReturnType<typeof createRegression>

/** A network of 3 inputs, 4 hidden units and 1 output, and `count` examples to fit. `unused` is a parameter that its loss does not reach. */
export function createRegression({ seed = 0, count = 16 } = {}) {
  const rng = createRng(seed)
  const normals = (shape: number[], scale: number) =>
    tidy(() =>
      variable(
        tensor(
          Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => scale * rng.normal()),
          shape,
        ),
      ),
    )
  const parameters: { [name: string]: Variable } = {
    'hidden.weight': normals([3, 4], 0.5),
    'hidden.bias': normals([4], 0.1),
    'output.weight': normals([4, 1], 0.5),
    unused: normals([2, 2], 1),
  }
  const inputs = Array.from({ length: count }, () => [rng.normal(), rng.normal(), rng.normal()])
  const targets = inputs.map(([a, b, c]) => [Math.sin(a!) + b! * c!])

  /** Mean square error over some of the examples. */
  function loss(examples: ArrayLike<number> = range(0, count)): Scalar {
    const chosen = Array.from(examples)
    const x = tensor2d(chosen.map((i) => inputs[i]!))
    const hidden = tanh(add(matMul(x, parameters['hidden.weight'] as unknown as Tensor2D), parameters['hidden.bias']!))
    const output = matMul(hidden, parameters['output.weight'] as unknown as Tensor2D)
    return mean(square(sub(output, tensor2d(chosen.map((i) => targets[i]!)))))
  }

  return {
    parameters,
    loss,
    async values() {
      const all = Object.entries(parameters).map(async ([name, parameter]) => [name, [...(await parameter.data())]] as const)
      return Object.fromEntries(await Promise.all(all))
    },
    dispose() {
      for (const parameter of Object.values(parameters)) parameter.dispose()
    },
  }
}

/** start .. end-1 */
export const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i)
