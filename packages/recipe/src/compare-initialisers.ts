import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { accuracies, descendantsOf, type Pool } from '@learngene/learngene-pool'
import { collectGrams, formatPath, type InitialiseOptions, initialiseStitches, type StitchedPath } from '@learngene/stitch'
import type { Group } from '@learngene/training'
import { initialiserNamed, type SettledRecipe } from './recipe.js'
import type { InitialiserRow } from './report.js'
import type { RunImages } from './session.js'

/**
 * Measures the stitched descendants under each initialiser, before any fine-tuning: the same instances, only the stitches differ.
 * Leaves the pool with the stitches of the recipe's first initialiser. Where no path has one there is nothing to compare.
 */
export async function compareInitialisers(
  pool: Pool,
  paths: readonly StitchedPath[],
  images: RunImages,
  recipe: SettledRecipe,
  group: Group,
  rng: Rng,
): Promise<InitialiserRow[]> {
  const stitched = paths.filter(({ stitches }) => stitches.length > 0)
  if (stitched.length === 0) return []
  const compared = draw(rng, 'comparison images', images.validation, recipe.comparisonImages)
  const grams = await gramsOf(pool, images, recipe, rng)
  const heldOut = await collectGrams(pool, images.validation, draw(rng, 'held-out images', images.validation, recipe.heldOutImages))
  const networks = descendantsOf(pool, stitched)

  const rows: InitialiserRow[] = []
  for (const name of recipe.initialisers) {
    const residuals = initialise(pool, recipe, name, rng, { grams, heldOut }).map(({ residual }) => residual!)
    const scores = await accuracies(networks, images.validation, { indices: compared, group })
    rows.push({
      name,
      meanAccuracy: mean(scores),
      meanResidual: mean(residuals),
      descendants: stitched.map(({ path }, i) => ({ path: formatPath(path), accuracy: scores[i]! })),
    })
  }
  initialise(pool, recipe, recipe.initialisers[0]!, rng, { grams })
  return rows
}

/** Fits the stitches anew to tiers that have moved; between tiers that have not, they stay what {@link compareInitialisers} left. */
export async function stitchAnew(pool: Pool, images: RunImages, recipe: SettledRecipe, rng: Rng): Promise<void> {
  const grams = await gramsOf(pool, images, recipe, rng)
  initialise(pool, recipe, recipe.initialisers[0]!, rng, { grams })
}

function initialise(pool: Pool, recipe: SettledRecipe, name: string, rng: Rng, options: Omit<InitialiseOptions, 'rng'>) {
  return initialiseStitches(pool, initialiserNamed(recipe, name), { ...options, rng: rng.fork(`initialiser ${name}`) })
}

function gramsOf(pool: Pool, { training }: RunImages, { featureImages }: SettledRecipe, rng: Rng) {
  return collectGrams(pool, training, draw(rng, 'feature images', training, featureImages))
}

const draw = (rng: Rng, label: string, { length }: ImageSource, count: number) => rng.fork(label).permutation(length).slice(0, count)

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
