import { add, greater, mul, type NamedTensorMap, scalar, type Tensor2D, tidy, type Variable, where } from '@tensorflow/tfjs-core'
import { replace } from './accumulate.js'
import { findKernel } from './kernels.js'
import { factorOfRow } from './step-guard.js'

/** A parameter, its exponential average and its row of the table. */
export interface AverageSlot {
  readonly parameter: Variable
  readonly average: Variable
  readonly row: number
}

/**
 * a <- decay a + (1 - decay) p for each slot whose factor is not 0.
 *
 * @param table [2 P, C] as `guardStep` makes it
 */
export function averageWeights(slots: readonly AverageSlot[], table: Tensor2D, decay: number): void {
  if (slots.length === 0) return
  const kernel = findKernel('LearngeneAverageSlots')
  if (kernel) {
    const inputs: NamedTensorMap = { scalars: table }
    for (const [i, { parameter, average }] of slots.entries()) {
      Object.assign(inputs, { [`parameter${i}`]: parameter, [`average${i}`]: average })
    }
    const next = kernel(inputs, { decay, rows: slots.map(({ row }) => row) })
    for (const [i, { average }] of slots.entries()) replace(average, next[i]!)
    return
  }
  tidy(() => {
    for (const { parameter, average, row } of slots) {
      const applies = greater(factorOfRow(table, row), 0)
      const [kept, taken] = [where(applies, scalar(decay), scalar(1)), where(applies, scalar(1 - decay), scalar(0))]
      average.assign(add(mul(average, kept), mul(parameter, taken)))
    }
  })
}
