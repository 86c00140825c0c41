import type { JsonObject } from '@learngene/interfaces'
import type { FoundReport, NestedInfo } from '@learngene/recipe'
import { z } from 'zod'
import type { StudyCell } from './study-folder.js'

const share = z.number().min(0).max(1)
const count = z.number().positive()

/** What was measured of one cell: shares of test images from 0 to 1, and numbers of parameters and MACs. What is chosen is chosen on validation images. */
export const measures = z.strictObject({
  smallestMacs: count,
  smallestParameters: count,
  smallest: share,
  best: share,
  /** The best of at most half the MACs of the largest. */
  withinHalf: share.optional(),
  /** Means of all stitched models, and of them before tuning. */
  stitched: share.optional(),
  untuned: share.optional(),
  /** Means of models of two tiers, from the narrower to the wider and the other way, where there are both. */
  ascending: share.optional(),
  descending: share.optional(),
  stored: count,
  ancestor: share.optional(),
})

export type Measures = z.infer<typeof measures>

/** What a cell has come to. @param info of the artifact of its last stage */
export const measuresOf = (stage: StudyCell['stage'], info: JsonObject): Measures =>
  stage === 'nested' ? measuresOfNested(info as unknown as NestedInfo) : measuresOfPool(info as unknown as FoundReport)

interface Row {
  readonly macs: number
  readonly parameters: number
  readonly validationAccuracy: number
  readonly testAccuracy: number
}

function measuresOfModels(rows: readonly Row[]) {
  const least = rows.reduce((a, b) => (b.macs < a.macs ? b : a))
  const most = Math.max(...rows.map(({ macs }) => macs))
  const best = (within: number) =>
    rows.filter(({ macs }) => macs <= within).reduce((a, b) => (b.validationAccuracy > a.validationAccuracy ? b : a)).testAccuracy
  return {
    smallestMacs: least.macs,
    smallestParameters: least.parameters,
    smallest: least.testAccuracy,
    best: best(most),
    ...(least.macs <= most / 2 && { withinHalf: best(most / 2) }),
  }
}

const measuresOfNested = ({ models, parameters }: NestedInfo): Measures => ({ ...measuresOfModels(models), stored: parameters })

function measuresOfPool({ descendants, storage, ancestor }: FoundReport): Measures {
  const stitched = descendants.filter((row) => row.stitched)
  const mean = (rows: readonly { readonly testAccuracy: number }[]) => rows.reduce((sum, row) => sum + row.testAccuracy, 0) / rows.length
  const untuned = stitched.map((row) => ({ testAccuracy: row.untrainedAccuracy }))
  const one = stitched.filter(({ path }) => path.split('>').length === 2)
  const up = one.filter(({ path }) => widening(path) > 0)
  const down = one.filter(({ path }) => widening(path) < 0)
  return {
    ...measuresOfModels(descendants),
    ...(stitched.length > 0 && { stitched: mean(stitched), untuned: mean(untuned) }),
    ...(up.length > 0 && down.length > 0 && { ascending: mean(up), descending: mean(down) }),
    stored: storage.pool.parameters,
    ancestor: ancestor.testAccuracy,
  }
}

/** How much wider the second tier of `w12d4[0-1]>w24d4[2-3]` is: 12. */
function widening(path: string): number {
  const [front, back] = path.split('>').map((segment) => Number(/w(\d+)/.exec(segment)?.[1]))
  return back! - front!
}
