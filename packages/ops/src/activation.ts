import { add, mul, sigmoid, square, sub, type Tensor } from '@tensorflow/tfjs-core'
import { gelu } from './gelu.js'
import { withGradient } from './with-gradient.js'

/**
 * The activations of Vision Transformers: `gelu` is the exact one, x Phi(x); `geluTanh` its approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) and
 * `quickGelu` the coarser x sigmoid(1.702 x) (both Hendrycks and Gimpel 2016, arXiv 1606.08415). SigLIP was trained with the second, OpenAI's CLIP with the third.
 */
export type Activation = 'gelu' | 'geluTanh' | 'quickGelu'

export const activations: readonly Activation[] = ['gelu', 'geluTanh', 'quickGelu']

/** x sigmoid(slope x + cube x^3). As 0.5 (1 + tanh(u)) = sigmoid(2 u), the tanh form of GELU is one of these. */
const gates: { readonly [activation in Exclude<Activation, 'gelu'>]: { readonly slope: number; readonly cube: number } } = {
  geluTanh: { slope: 2 * Math.sqrt(2 / Math.PI), cube: 2 * Math.sqrt(2 / Math.PI) * 0.044715 },
  quickGelu: { slope: 1.702, cube: 0 },
}

/**
 * Applies an activation.
 *
 * @param x any shape
 * @returns the shape of x
 * @throws when there is no such activation
 */
export function activate<T extends Tensor>(x: T, activation: Activation): T {
  checkActivation(activation)
  if (activation === 'gelu') return gelu(x)
  const { slope, cube } = gates[activation]
  return withGradient([x], (x) => {
    const gate = sigmoid(mul(x, cube === 0 ? slope : add(mul(square(x), cube), slope)))
    return {
      value: mul(x, gate),
      saved: [x, gate] as const,
      // d/dx (x s) = s + x s (1 - s) u', with s = sigmoid(u) and u' = slope + 3 cube x^2
      gradient(dy, x, gate) {
        const rise = cube === 0 ? slope : add(mul(square(x), 3 * cube), slope)
        return [mul(dy, mul(gate, add(mul(mul(x, sub(1, gate)), rise), 1)))]
      },
    }
  }) as T
}

/** @throws when there is no such activation */
export function checkActivation(activation: unknown): asserts activation is Activation {
  if (activations.includes(activation as Activation)) return
  throw new Error(`activation: must be ${activations.map((name) => `'${name}'`).join(' or ')}; got ${JSON.stringify(activation)}`)
}
