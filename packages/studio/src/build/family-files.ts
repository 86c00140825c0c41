import { createHash } from 'node:crypto'
import { evaluationCrop, inChannels, preprocessingOf } from '@learngene/datasets'
import type { Dataset, Preprocessing, RawImage } from '@learngene/interfaces'
import type { Pool } from '@learngene/learngene-pool'
import type { RunReport } from '@learngene/recipe/reports'
import { parametersOf, prefixed, readParameters, sidesOf, structureOf } from '@learngene/vit-blocks'
import { type DescendantEntry, FAMILY, type FamilyManifest, type SampleEntry, type TierFile } from '../family.js'
import { packTensors, type WireFormat } from '../wire.js'
import { encodePng } from './png.js'

export interface FamilyInput {
  /** What the family is called. */
  readonly name: string
  readonly pool: Pool
  readonly report: Pick<RunReport, 'descendants' | 'images' | 'auxiliaries'>
  /** Labelled pictures from which samples are taken; without them visitors bring their own. */
  readonly samples?: Dataset
  /** Default float16. */
  readonly weights?: WireFormat
}

/** Pictures that a page offers. */
const SAMPLES = 12

/** Mean of a sample's border, of 255, below which its background is dark. */
const DARK = 40

/**
 * A family as a page downloads it, by file name: the manifest, a file of weights for each tier with the stitches between it and narrower ones, samples as PNG. Names of all
 * but the manifest change with their contents, so that they may be kept for ever.
 *
 * @throws where the pool does not say how its images are prepared, or the report is of another pool
 */
export async function familyFiles({ name, pool, report, samples, weights = 'float16' }: FamilyInput): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const add = (stem: string, extension: string, bytes: Uint8Array): string => {
    const file = `${stem}.${createHash('sha256').update(bytes).digest('hex').slice(0, 10)}.${extension}`
    files.set(file, bytes)
    return file
  }
  const first = pool.tiers[0]!.network
  const preprocessing = preparationOf(pool)
  const tiers: TierFile[] = []
  for (const { name: tier, network, standsFor } of pool.tiers) {
    const bytes = packTensors(await tensorsOf(pool, tier), weights)
    tiers.push({
      name: tier,
      structure: structureOf(network),
      ...(standsFor && { standsFor }),
      file: add(tier, 'bin', bytes),
      bytes: bytes.length,
      ancestor: report.auxiliaries.find((each) => each.name === tier)?.start === 'ancestor',
    })
  }
  const pictures = samples ? await takeSamples(samples, preprocessing, first.embedding.geometry.channels) : []
  const manifest: FamilyManifest = {
    format: 'learngene-studio',
    schema: 1,
    name,
    weights,
    classes: classesOf(pool, samples),
    preprocessing,
    dark: pictures.length > 0 && pictures.reduce((sum, { image }) => sum + borderOf(image), 0) / pictures.length < DARK,
    space: pool.spaceSpec,
    stitch: pool.stitchSpec,
    details: pool.details,
    tiers,
    descendants: descendantsOf(pool, report),
    accuracy: { validationImages: report.images.validation, testImages: report.images.test, of: 'run' },
    samples: pictures.map(({ image, label }, i): SampleEntry => ({ file: add(`sample-${i}`, 'png', encodePng(image)), label })),
  }
  files.set(FAMILY, new TextEncoder().encode(JSON.stringify(manifest)))
  return files
}

/** A tier's weights, and those of stitches whose wider end it is: `tier/NAME`, `stitch/ID/NAME`. */
async function tensorsOf(pool: Pool, tier: string) {
  const order = pool.tiers.map(({ name }) => name)
  const wider = (a: string, b: string) => (order.indexOf(a) > order.indexOf(b) ? a : b)
  const network = pool.tiers.find(({ name }) => name === tier)!.network
  const stitches = [...pool.space.stitchIds()].filter(({ fromTier, toTier }) => wider(fromTier, toTier) === tier)
  return [
    ...(await readParameters(prefixed('tier/', parametersOf(network)))),
    ...(await Promise.all(stitches.map(({ id }) => readParameters(prefixed(`stitch/${id}/`, pool.stitches.get(id)!.parameters))))).flat(),
  ]
}

function preparationOf(pool: Pool): Preprocessing {
  const { imageSize } = pool.tiers[0]!.network.embedding.geometry
  return preprocessingOf(pool.details, sidesOf(imageSize))
}

function classesOf(pool: Pool, samples: Dataset | undefined): readonly string[] {
  const { classes } = pool.tiers[0]!.network.head
  const named = pool.details.classNames
  if (Array.isArray(named) && named.length === classes) return named as string[]
  return samples?.classes.length === classes ? samples.classes : Array.from({ length: classes }, (_, i) => `class ${i}`)
}

function descendantsOf(pool: Pool, { descendants }: FamilyInput['report']): DescendantEntry[] {
  const known = new Set([...pool.space.enumerate()].map((path) => pool.space.key(path)))
  const foreign = descendants.find(({ path }) => !known.has(path))
  if (foreign || descendants.length === 0)
    throw new Error(
      `the report must be that of the pool; ${foreign ? `the pool has no path ${foreign.path}` : 'it lists no descendants'}: make the run again`,
    )
  return descendants.map(({ path, macs, parameters, memory, validationAccuracy, testAccuracy }) => ({
    path,
    macs,
    parameters,
    memory,
    validationAccuracy,
    testAccuracy,
  }))
}

/** The first pictures of each class in turn, prepared. */
async function takeSamples(dataset: Dataset, preprocessing: Preprocessing, channels: number) {
  const byClass = new Map<number, number[]>()
  for (let i = 0; i < dataset.length; i++) {
    const label = dataset.labels[i]!
    const found = byClass.get(label) ?? []
    if (found.length < SAMPLES) byClass.set(label, [...found, i])
  }
  const rows = [...byClass].sort(([a], [b]) => a - b).map(([, indices]) => indices)
  const turns = Array.from({ length: SAMPLES }, (_, turn) => rows.flatMap((indices) => indices[turn] ?? [])).flat()
  const taken: { image: RawImage; label: number }[] = []
  for (const index of turns.slice(0, SAMPLES)) {
    const picture = inChannels(await dataset.picture(index), channels)
    const [height, width] = preprocessing.size
    const image = picture.height === height && picture.width === width ? picture : evaluationCrop(picture, preprocessing)
    taken.push({ image, label: dataset.labels[index]! })
  }
  return taken
}

function borderOf({ data, height, width, channels }: RawImage): number {
  let sum = 0
  let count = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue
      for (let c = 0; c < channels; c++) sum += data[(y * width + x) * channels + c]!
      count += channels
    }
  }
  return sum / count
}
