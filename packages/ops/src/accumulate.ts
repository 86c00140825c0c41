import { add, type NamedTensorMap, type Tensor, type Variable, zerosLike } from '@tensorflow/tfjs-core'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'

/**
 * Adds values to totals, in place where the backend can.
 *
 * @throws when a value is not of its total's shape
 */
export function accumulate(pairs: readonly { readonly total: Variable; readonly value: Tensor }[]): void {
  for (const { total, value } of pairs) {
    if (total.shape.join() !== value.shape.join()) throw shapeError('accumulate', 'total and value must have one shape', { total, value })
  }
  const kernel = findKernel('LearngeneAccumulateSlots')
  if (!kernel || pairs.length === 0) {
    for (const { total, value } of pairs) replace(total, add(total, value))
    return
  }
  const inputs: NamedTensorMap = {}
  for (const [i, { total, value }] of pairs.entries()) Object.assign(inputs, { [`total${i}`]: total, [`value${i}`]: value })
  for (const [i, next] of kernel(inputs, { slots: pairs.length }).entries()) replace(pairs[i]!.total, next)
}

/** Sets totals to zero. */
export function clear(totals: readonly Variable[]): void {
  const kernel = findKernel('LearngeneClearSlots')
  if (!kernel || totals.length === 0) {
    for (const total of totals) replace(total, zerosLike(total))
    return
  }
  const inputs = Object.fromEntries(totals.map((total, i) => [`total${i}`, total]))
  for (const [i, next] of kernel(inputs, { slots: totals.length }).entries()) replace(totals[i]!, next)
}

/** Assigns what is not already written in place, and frees the new tensor. */
export function replace(variable: Variable, next: Tensor): void {
  if (next.dataId !== variable.dataId) variable.assign(next)
  next.dispose()
}
