import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import type { Run } from './kernels.js'
import type { Native } from './native.js'

/**
 * AdamW through TensorFlow's own Adam, which works in one pass but in place and on its own variables: values are put into three of them and
 * read again, both without copying; what tensors still hold it copies before it writes. Its bias corrections are switched off (powers of beta of 0),
 * since rate and epsilon carry them: see the reference form.
 */
export function adamWKernel(native: Native): Run {
  const { mul } = native
  let places: readonly TensorInfo[] | undefined
  const openPlaces = () => ['parameter', 'm', 'v'].map((name) => native.place(`learngene ${name}`))
  return (inputs, { rows, beta1, beta2, epsilon }) => {
    places ??= openPlaces()
    const targets = places
    const columns = native.unpack(native.transpose(inputs.scalars!, [1, 0])) // 4 x [P]
    const [learningRate, shrink, mCorrection, vCorrection] = columns as [Tensor, Tensor, Tensor, Tensor]
    const deviation = native.rsqrt(vCorrection) // [P]
    const shrinks = native.unpack(shrink)
    const rates = native.unpack(mul(mul(learningRate, mCorrection), deviation))
    const epsilons = native.unpack(mul(deviation, epsilon as number))
    const betas = [native.number(0), native.number(0)]
    const constants = [native.number(beta1 as number), native.number(beta2 as number)]
    return (rows as number[]).flatMap((row, i) => {
      const [parameter, gradient, m, v] = ['parameter', 'gradient', 'm', 'v'].map((name) => inputs[`${name}${i}`]!)
      const shrunk = mul(parameter!, shrinks[row]!)
      for (const [place, value] of [shrunk, m!, v!].entries()) native.assign(targets[place]!, value)
      shrunk.dispose()
      native.applyAdam([...targets, ...betas, rates[row]!, ...constants, epsilons[row]!, gradient!])
      return targets.map(native.read)
    })
  }
}
