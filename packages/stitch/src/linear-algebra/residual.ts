import type { AffineMap } from '@learngene/vit-blocks'
import { product } from './add-product.js'
import { columnsOfMap } from './affine-columns.js'
import type { Gram } from './gram.js'
import { symmetric } from './matrix.js'

/**
 * The relative error sqrt(||X W - Y||^2 / ||Y||^2) of a map on the features that a Gram has seen, X = [features, 1], W = [M, c]^T. It is
 * computed as trace(W^T X^T X W) - 2 trace(W^T X^T Y) + trace(Y^T Y), so errors under about 1e-7 drown in the rounding.
 *
 * @throws when the Gram has seen no rows or has other widths than the map
 */
export function residual(map: AffineMap, { input, cross }: Gram): number {
  const { inputs, outputs } = cross
  if (map.inputs !== inputs || map.outputs !== outputs) {
    throw new Error(
      `a residual needs features as wide as the map, got a ${map.inputs} -> ${map.outputs} map and ${inputs} -> ${outputs} features`,
    )
  }
  if (cross.count === 0) throw new Error('a residual needs at least one row of held-out features, got none; accumulate some first')
  const w = columnsOfMap(map)
  const fitted = product(symmetric(input.xtx), w)
  let error = cross.squares
  for (let i = 0; i < w.data.length; i++) error += w.data[i]! * (fitted.data[i]! - 2 * cross.xty.data[i]!)
  if (cross.squares === 0) return error > 0 ? Number.POSITIVE_INFINITY : 0
  return Math.sqrt(Math.max(error, 0) / cross.squares)
}
