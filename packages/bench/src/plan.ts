import { type AuxiliarySpec, type SupervisedPosition, supervisedPositions } from '@learngene/learngene-pool'
import { createSpace, defaultTierName, formatPath, type Segment, type StitchedPath, type TierShape } from '@learngene/stitch'
import type { SquareViTConfig } from '@learngene/vit-blocks'

/** The distillation that is timed: the model is the ancestor. */
export interface DistillationPlan {
  readonly student: Required<Pick<AuxiliarySpec, 'width' | 'depth' | 'heads'>>
  readonly positions: readonly SupervisedPosition[]
}

/** The stitched descendant that is timed. */
export interface StitchPlan {
  /** Ascending by width. */
  readonly tiers: readonly (TierShape & { readonly heads: number })[]
  readonly path: StitchedPath
  /** Blocks before the stitch and their heads; blocks after it and theirs. */
  readonly front: { readonly width: number; readonly heads: number; readonly depth: number }
  readonly back: { readonly width: number; readonly heads: number; readonly depth: number }
}

/** An auxiliary of three quarters of the ancestor's depth and a quarter of its heads, each as wide: the paper's tiny9 for DeiT-B. */
function auxiliaryOf({ width, heads, depth }: SquareViTConfig): DistillationPlan['student'] {
  const fewer = Math.max(1, Math.round(heads / 4))
  return { width: (fewer * width) / heads, heads: fewer, depth: Math.ceil((3 * depth) / 4) }
}

export function planDistillation(ancestor: SquareViTConfig): DistillationPlan {
  const student = auxiliaryOf(ancestor)
  return { student, positions: supervisedPositions('dense', student.depth, ancestor.depth) }
}

/**
 * A pool of two tiers, the auxiliary's size and the model's width at the auxiliary's depth, and of its paths through both tiers the one that
 * leaves the first tier nearest its middle and lands where it left.
 */
export function planStitch(model: SquareViTConfig): StitchPlan {
  const small = auxiliaryOf(model)
  const large = { width: model.width, heads: model.heads, depth: small.depth }
  const tiers = [small, large].map((shape, i) => ({
    ...shape,
    name: defaultTierName(shape.width, shape.depth) + (i === 1 && small.width === large.width ? 'b' : ''),
  }))
  const space = createSpace({ kind: 'slidingWindow' }, tiers)
  const distance = ({ path: { segments } }: StitchedPath) => {
    const [{ last }, { first }] = segments as [Segment, Segment]
    return Math.abs(last - (small.depth - 1) / 2) + Math.abs(first - last - 1)
  }
  const stitched = [...space.enumerate()].filter(({ path }) => path.segments.length === 2)
  const path = stitched.reduce((best, next) => (distance(next) < distance(best) ? next : best))
  const [front, back] = path.path.segments.map(({ first, last }, i) => ({
    width: tiers[i]!.width,
    heads: tiers[i]!.heads,
    depth: last - first + 1,
  }))
  return { tiers, path, front: front!, back: back! }
}

/** What is timed besides the model itself, for people; null where it is the model. */
export function noteOf(what: string, model: SquareViTConfig): string | null {
  if (what === 'distill') {
    const { student } = planDistillation(model)
    return `into an auxiliary of width ${student.width}, depth ${student.depth}, ${student.heads} heads`
  }
  return what === 'stitch' ? formatPath(planStitch(model).path.path) : null
}
