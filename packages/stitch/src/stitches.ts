import type { Rng } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import {
  assignStitch,
  createBlock,
  describe,
  disposeParameters,
  type PartRegistry,
  type PartSpec,
  requireArguments,
} from '@learngene/vit-blocks'
import type { SlotGrams } from './collect-grams.js'
import type { StitchedFamily } from './family.js'
import { residual } from './linear-algebra.js'
import type { PathSpace } from './paths/index.js'
import type { StitchInitialiser } from './stitch-problem.js'

/** The kind of all stitches of a family; its configuration apart from the two widths. */
export const plainStitch: PartSpec = { kind: 'stitch', config: {} }

/**
 * One stitch for every slot of a space, each drawn from a fork of its own.
 *
 * @param spec what kind of block they are; default {@link plainStitch}
 * @param blocks kinds besides the standard ones of vit-blocks
 * @returns by slot id
 * @throws when the kind is not registered or its configuration is not possible; nothing stays allocated then
 */
export function createStitches(
  space: PathSpace,
  rng: Rng,
  { kind, config }: PartSpec = plainStitch,
  parts?: PartRegistry,
): Map<string, Block> {
  requireArguments('createStitches', { space: ['space', space], rng: ['rng', rng] })
  const widths = new Map(space.tiers.map(({ name, width }) => [name, width]))
  const stitches = new Map<string, Block>()
  try {
    for (const { id, fromTier, toTier } of space.stitchIds()) {
      const sized = { ...config, inputWidth: widths.get(fromTier)!, outputWidth: widths.get(toTier)! }
      stitches.set(id, createBlock({ kind, config: sized }, rng.fork(`stitch ${id}`), parts))
    }
    return stitches
  } catch (error) {
    for (const { parameters } of stitches.values()) disposeParameters(parameters)
    throw error
  }
}

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
