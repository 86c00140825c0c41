import { requireArguments } from '@learngene/vit-blocks'
import { type AlignedOptions, aligned } from './aligned.js'
import { earlyExits } from './early-exits.js'
import { multiStitch } from './multi-stitch.js'
import type { PathSpace } from './path-space.js'
import { singleTiers } from './single-tiers.js'
import { slidingWindow } from './sliding-window.js'
import type { TierShape } from './tier-shape.js'
import { twoWay } from './two-way.js'
import type { WindowOptions } from './window-slots.js'

/** A path space as plain data, for manifests and configurations. */
export type SpaceSpec =
  | ({ readonly kind: 'slidingWindow' } & WindowOptions)
  | ({ readonly kind: 'multiStitch'; readonly maxStitches?: number } & WindowOptions)
  | ({ readonly kind: 'aligned' } & AlignedOptions)
  | { readonly kind: 'singleTiers' }
  | { readonly kind: 'earlyExits' }
  | { readonly kind: 'twoWay' }

/** @throws when the kind is unknown, and what the kind's function throws */
export function createSpace(spec: SpaceSpec, tiers: readonly TierShape[]): PathSpace {
  requireArguments('createSpace', { spec: ['object', spec] })
  switch (spec.kind) {
    case 'slidingWindow':
      return slidingWindow(tiers, spec)
    case 'multiStitch':
      return multiStitch(tiers, spec)
    case 'aligned':
      return aligned(tiers, spec)
    case 'singleTiers':
      return singleTiers(tiers)
    case 'earlyExits':
      return earlyExits(tiers)
    case 'twoWay':
      return twoWay(tiers)
    default:
      throw new Error(
        `path space: the kind must be slidingWindow, multiStitch, aligned, singleTiers, earlyExits or twoWay; got ${JSON.stringify((spec as { kind: unknown }).kind)}`,
      )
  }
}
