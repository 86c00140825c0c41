import { buildPool, createAuxiliary, descendantBytes } from '@learngene/learngene-pool'
import { costOfPath, formatPath } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { type Network, standardBlocks, withoutWeights } from '@learngene/vit-blocks'
import { chooseDescendant } from './choose.js'
import { headsOf } from './describe.js'
import type { SettledRecipe } from './recipe.js'

/**
 * Fails before any training where a tier cannot be cut out of the ancestor, or no descendant can keep the budget.
 *
 * @param ancestor with the head that it will have; its weights are not looked at
 * @throws Error of one line; InfeasibleBudgetError naming the smallest descendant for each cap that cannot be met
 */
export async function requireFamily(
  ancestor: Network,
  { tiers, space, stitch, registry, budget, ancestorTier }: SettledRecipe,
): Promise<void> {
  const { width, depth, heads } = { width: ancestor.embedding.width, depth: ancestor.blocks.length, heads: headsOf(ancestor) }
  for (const [i, tier] of tiers.entries()) {
    const rule = (must: string, got: unknown) => new Error(`recipe: tiers[${i}].${must}; got ${got}`)
    if (!(tier.width >= 2 && tier.width <= width)) throw rule(`width must be from 2 to the ancestor's, ${width}`, tier.width)
    if ((tier.depth ?? 1) > depth) throw rule(`depth must be at most the ancestor's, ${depth}`, tier.depth)
    const own = tier.heads ?? heads
    if (own > heads || tier.width % own > 0)
      throw rule(`width must divide by its heads, of which the ancestor has ${heads}`, `width ${tier.width} and ${own} heads`)
    if (ancestorTier && tier.width === width && (tier.depth ?? depth) === depth)
      throw rule('width or depth must be less than the ancestor, which is a tier of the family by itself', `width ${width}, depth ${depth}`)
  }
  if (!budget || Object.keys(budget).length === 0) return
  // What a cut of the user's own kind costs, only cutting it tells.
  if (ancestor.blocks.some(({ kind }) => !Object.hasOwn(standardBlocks, kind))) return
  const rows = withoutWeights(() => {
    const all = [...tiers, ...(ancestorTier ? [{ width }] : [])].map((tier: { width: number; depth?: number; heads?: number }) =>
      createAuxiliary(ancestor, { heads: tier.heads ?? heads, depth: tier.depth ?? depth, width: tier.width }, createRng(0), registry),
    )
    const pool = buildPool(all, { space, stitch, parts: registry, spaces: registry?.spaces }, createRng(0))
    // What is still to be known of the images makes a file a little larger.
    return Array.from(pool.space.enumerate(), (path) => ({
      path: formatPath(path.path),
      ...costOfPath(pool, path),
      bytes: descendantBytes(pool, path),
    }))
  })
  await chooseDescendant(rows, budget, () => 0)
}

/** @throws Error of one line where a batch is of more images than there are */
export function requireBatches({ ancestor, adaptation, distillation, tiers, fineTuning }: SettledRecipe, images: number): void {
  const trained = 'training' in ancestor ? { 'ancestor.training': ancestor.training } : {}
  const adapted = adaptation ? { 'adaptation.head': adaptation.head, 'adaptation.whole': adaptation.whole } : {}
  const distilled = tiers.some(({ epochs }) => epochs > 0) ? { distillation } : {}
  for (const [name, { batchSize }] of Object.entries({ ...trained, ...adapted, ...distilled, fineTuning })) {
    if (batchSize > images)
      throw new Error(`recipe: ${name}.batchSize must be at most the number of training images, ${images}; got ${batchSize}`)
  }
}
