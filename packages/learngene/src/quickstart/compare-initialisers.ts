import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { accuracies, descendantsOf, type Pool } from '@learngene/learngene-pool'
import {
  collectGrams,
  formatPath,
  type InitialiseOptions,
  initialisers,
  initialiseStitches,
  type StitchedPath,
  type StitchInitialiser,
} from '@learngene/stitch'
import type { Group } from '@learngene/training'
import type { QuickstartConfig } from './config.js'
import type { QuickstartImages } from './images.js'
import type { InitialiserRow } from './report.js'

/**
 * Measures the stitched descendants under each initialiser, before any fine-tuning: the same instances, only the stitches differ.
 * Leaves the pool with the stitches of the first initialiser of the configuration.
 */
export async function compareInitialisers(
  pool: Pool,
  paths: readonly StitchedPath[],
  images: QuickstartImages,
  config: QuickstartConfig,
  group: Group,
  rng: Rng,
): Promise<InitialiserRow[]> {
  const compared = draw(rng, 'comparison images', images.validation, config.comparisonImages)
  const grams = await gramsOf(pool, images, config, rng)
  const heldOut = await collectGrams(pool, images.validation, draw(rng, 'held-out images', images.validation, config.heldOutImages))
  const stitched = paths.filter(({ stitches }) => stitches.length > 0)
  const networks = descendantsOf(pool, stitched)

  const rows: InitialiserRow[] = []
  for (const name of config.initialisers) {
    const residuals = initialise(pool, name, rng, { grams, heldOut }).map(({ residual }) => residual!)
    const scores = await accuracies(networks, images.validation, { indices: compared, group })
    rows.push({
      name,
      meanAccuracy: mean(scores),
      meanResidual: mean(residuals),
      descendants: stitched.map(({ path }, i) => ({ path: formatPath(path), accuracy: scores[i]! })),
    })
  }
  initialise(pool, config.initialisers[0]!, rng, { grams })
  return rows
}

/** Fits the stitches anew to tiers that have moved; between tiers that have not, they stay what {@link compareInitialisers} left. */
export async function stitchAnew(pool: Pool, images: QuickstartImages, config: QuickstartConfig, rng: Rng): Promise<void> {
  const grams = await gramsOf(pool, images, config, rng)
  initialise(pool, config.initialisers[0]!, rng, { grams })
}

function initialise(pool: Pool, name: InitialiserName, rng: Rng, options: Omit<InitialiseOptions, 'rng'>) {
  return initialiseStitches(pool, byName[name], { ...options, rng: rng.fork(`initialiser ${name}`) })
}

function gramsOf(pool: Pool, { training }: QuickstartImages, { featureImages }: QuickstartConfig, rng: Rng) {
  return collectGrams(pool, training, draw(rng, 'feature images', training, featureImages))
}

const draw = (rng: Rng, label: string, { length }: ImageSource, count: number) => rng.fork(label).permutation(length).slice(0, count)

type InitialiserName = QuickstartConfig['initialisers'][number]

const byName: { readonly [name in InitialiserName]: StitchInitialiser } = initialisers

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
