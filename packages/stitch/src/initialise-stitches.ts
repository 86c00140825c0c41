import type { Rng } from '@learngene/interfaces'
import { assignStitch, describe, requireArguments } from '@learngene/vit-blocks'
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
 * @throws when the initialiser lacks what it needs: transformation matrices that were not trained, or features; when it returns something else than
 * an affine map. Stitches are then as they were
 */
export function initialiseStitches(family: StitchedFamily, initialiser: StitchInitialiser, options: InitialiseOptions): StitchReport[] {
  requireArguments('initialiseStitches', {
    family: ['family', family],
    initialiser: ['function', initialiser],
    options: ['object', options],
  })
  requireArguments('initialiseStitches', { 'options.rng': ['rng', options.rng] })
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
    if (!ArrayBuffer.isView(map?.weight) || !ArrayBuffer.isView(map.bias)) {
      const hint = typeof map === 'function' ? 'call it first, for example leastSquares()' : 'see AffineMap'
      throw new Error(
        `initialiseStitches: an initialiser must return an affine map { inputs, outputs, weight, bias }; got ${describe(map)}; ${hint}`,
      )
    }
    return { id: slot.id, map }
  })
  return maps.map(({ id, map }) => {
    assignStitch(family.stitches.get(id)!, map)
    const heldOut = options.heldOut?.get(id)
    return { id, residual: heldOut && residual(map, heldOut.joint) }
  })
}
