import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core'
import { ADAMW_COLUMNS } from '../adamw.js'
import { adamWInGraph } from './adamw-in-graph.js'
import type { Run } from './backend.js'
import type { Native } from './native.js'

const STATE = ['parameter', 'm', 'v'] as const

type Slot = readonly [parameter: TensorInfo, gradient: TensorInfo, m: TensorInfo, v: TensorInfo]

/**
 * AdamW through TensorFlow's own Adam, which works in one pass but in place and on its own variables: values are put into three of them and
 * read again, both without copying; what tensors still hold it copies before it writes. Its bias corrections are switched off (powers of beta of 0),
 * since rate and epsilon carry them: see the reference form. Vectors with equal numbers are updated as one.
 */
export function adamWKernel(native: Native): Run {
  const { mul } = native
  let places: readonly TensorInfo[] | undefined
  const openPlaces = () => STATE.map((name) => native.hold(native.place(`learngene ${name}`, [])))
  const inGraph = adamWInGraph(native)
  return (inputs, attributes) => {
    if (native.isRecording()) return inGraph(inputs, attributes)
    const { rows, beta1, beta2, epsilon } = attributes
    const table = native.values(inputs.scalars!)
    const factorOf = (row: number) => table[table.length / 2 + ADAMW_COLUMNS * row]!
    places ??= openPlaces()
    const targets = places
    const groups = groupsOf(table, rows as number[], (i) => inputs[`parameter${i}`]!.shape.length === 1)
    const columns = native.unpack(native.transpose(inputs.scalars!, [1, 0])) // 4 x [P]
    const [learningRate, shrink, mCorrection, vCorrection] = columns as [Tensor, Tensor, Tensor, Tensor]
    const deviation = native.rsqrt(vCorrection) // [P]
    const shrinks = native.unpack(shrink)
    const rates = native.unpack(mul(mul(learningRate, mCorrection), deviation))
    const epsilons = native.unpack(mul(deviation, epsilon as number))
    const powers = [native.number(0), native.number(0)]
    const betas = [native.number(beta1 as number), native.number(beta2 as number)]

    const update = ([parameter, gradient, m, v]: Slot, row: number): Tensor[] => {
      const factor = factorOf(row)
      if (factor === 0) return [parameter, m, v].map(native.again)
      const shrunk = mul(parameter, shrinks[row]!)
      for (const [place, value] of [shrunk, m, v].entries()) native.assign(targets[place]!, value)
      shrunk.dispose()
      native.applyAdam([...targets, ...powers, rates[row]!, ...betas, epsilons[row]!, factor === 1 ? gradient : mul(gradient, factor)])
      return targets.map(native.read)
    }

    const slotOf = (i: number) => ['parameter', 'gradient', 'm', 'v'].map((name) => inputs[`${name}${i}`]!)
    const next: Tensor[] = new Array(3 * (rows as number[]).length)
    for (const group of groups) {
      const row = (rows as number[])[group[0]!]!
      const slots = group.map(slotOf)
      const results =
        group.length === 1
          ? update(slots[0] as unknown as Slot, row).map((value) => [value])
          : update([0, 1, 2, 3].map((part) => native.join(slots.map((slot) => slot[part]!))) as unknown as Slot, row).map((joined) => {
              return native.separate(
                joined,
                slots.map(([parameter]) => parameter!.shape[0]!),
              )
            })
      group.forEach((i, k) => {
        results.forEach((values, part) => {
          next[3 * i + part] = values[k]!
        })
      })
    }
    return next
  }
}

/** Indices of slots that may be updated as one: vectors whose rows of the scalars are equal. */
function groupsOf(scalars: Float32Array, rows: readonly number[], isVector: (i: number) => boolean): number[][] {
  const groups = new Map<string, number[]>()
  for (const [i, row] of rows.entries()) {
    const key = isVector(i) ? scalars.subarray(row * ADAMW_COLUMNS, (row + 1) * ADAMW_COLUMNS).join() : `alone ${i}`
    groups.set(key, [...(groups.get(key) ?? []), i])
  }
  return [...groups.values()]
}
