import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import type { Inputs, Run } from './backend.js'
import type { Native } from './native.js'

const STATE = ['parameter', 'm', 'v'] as const

/**
 * AdamW as part of a graph, where nothing may be read: the same operation for every slot, with numbers that make it change nothing where the factor is 0 (gradients
 * and rate of 0, all else 1). The places are the graph's own; those of one shape follow one another.
 */
export function adamWInGraph(native: Native): Run {
  const { mul, select } = native
  return (inputs: Inputs, { rows, beta1, beta2, epsilon }: NamedAttrMap) => {
    const table = inputs.scalars! // [2 P, 4]
    const [numbers, factorRows] = native.unpack(native.reshape(table, [2, table.shape[0]! / 2, table.shape[1]!]))
    const [learningRate, shrink, mCorrection, vCorrection] = native.unpack(native.transpose(numbers!, [1, 0])) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ] // 4 x [P]
    const factors = native.unpack(native.transpose(factorRows!, [1, 0]))[0]!
    const applies = native.greater(factors, 0) // [P]
    const deviation = native.rsqrt(vCorrection)
    const columns = {
      factors,
      shrinks: select(applies, shrink, 1),
      rates: select(applies, mul(mul(learningRate, mCorrection), deviation), 0),
      epsilons: mul(deviation, epsilon as number),
      betas1: select(applies, beta1 as number, 1),
      betas2: select(applies, beta2 as number, 1),
    }
    const of = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, native.unpack(column)])) as {
      [Name in keyof typeof columns]: Tensor[]
    }
    const places = new Map<string, TensorInfo[]>()
    const placesOf = (shape: readonly number[]) => {
      const found = places.get(String(shape)) ?? STATE.map((name) => native.place(`learngene ${name} [${shape}]`, shape))
      places.set(String(shape), found)
      return found
    }
    const powers = [native.number(0), native.number(0)]
    return (rows as number[]).flatMap((row, i) => {
      const [parameter, m, v] = STATE.map((name) => inputs[`${name}${i}`]!)
      const targets = placesOf(parameter!.shape)
      for (const [k, value] of [mul(parameter!, of.shrinks[row]!), m!, v!].entries()) native.assign(targets[k]!, value)
      const gradient = native.mulNoNan(inputs[`gradient${i}`]!, of.factors[row]!)
      native.applyAdam([...targets, ...powers, of.rates[row]!, of.betas1[row]!, of.betas2[row]!, of.epsilons[row]!, gradient])
      return targets.map(native.read)
    })
  }
}
