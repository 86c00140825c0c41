import type { Rng } from '@learngene/interfaces'
import { assignStitch } from '@learngene/vit-blocks'
import type { SlotGrams } from './collect-grams.js'
import type { StitchedFamily } from './family.js'
import type { StitchInitialiser } from './initialisers/index.js'
import { residual } from './linear-algebra/index.js'

export interface InitialiseOptions {
  /** Features of training images by slot, from `collectGrams`; needed by least squares and ridge. */
  readonly grams?: ReadonlyMap<string, SlotGrams>
  /** Features of other images, on which residuals are measured. */
  readonly heldOut?: ReadonlyMap<string, SlotGrams>
  readonly rng: Rng
}

/** How good a stitch is before any training. */
export interface StitchReport {
  readonly id: string
  /** Relative error on held-out features; undefined where none were given. */
  readonly residual?: number
}

/**
 * Gives every stitch of a family its initial values.
 *
 * @throws when the initialiser lacks what it needs: transformation matrices that were not trained, or features
 */
export function initialiseStitches(family: StitchedFamily, initialiser: StitchInitialiser, options: InitialiseOptions): StitchReport[] {
  const transformations = new Map(family.tiers.map(({ name, transformations }) => [name, transformations]))
  const maps = [...family.space.stitchIds()].map((slot) => {
    const { inputWidth, outputWidth } = family.stitches.get(slot.id)!
    const grams = options.grams?.get(slot.id)
    const map = initialiser({
      slot,
      inputs: inputWidth,
      outputs: outputWidth,
      from: transformations.get(slot.fromTier)!,
      to: transformations.get(slot.toTier)!,
      gram: grams?.joint,
      pairGrams: grams?.pairs,
      rng: options.rng.fork(slot.id),
    })
    return { id: slot.id, map }
  })
  return maps.map(({ id, map }) => {
    assignStitch(family.stitches.get(id)!, map)
    const heldOut = options.heldOut?.get(id)
    return { id, residual: heldOut && residual(map, heldOut.joint) }
  })
}
