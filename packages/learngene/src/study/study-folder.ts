import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { split, splitBalanced } from '@learngene/datasets'
import type { Dataset } from '@learngene/interfaces'
import type { PlannedStage } from '@learngene/recipe'
import { createRng } from '@learngene/training'
import { z } from 'zod'
import { readImages } from '../run/build-recipe.js'
import { type NamedDatasets, type RunConfig, runConfig } from '../run/config.js'
import { asLookedAt } from '../run/readable.js'
import { withoutMark } from '../without-mark.js'
import { SCALES } from './scales.js'

/** The file of a study's folder that says what it is. */
export const STUDY = 'study.json'
export const UNITS = 'units.jsonl'
export const TABLES = 'report.md'
export const RESULTS = 'report.json'
/** What was measured, a line for each cell. */
export const MEASURED = 'results.jsonl'

/** Where the artifacts of all cells are. */
export const stagesOfStudy = (dir: string) => join(dir, 'stages')

const question = z.int().min(1).max(10)

/** A recipe of one seed and what it helps to answer. */
export const studyCell = z.strictObject({
  name: z.string().min(1),
  variant: z.string().min(1),
  questions: z.array(question).min(1),
  start: z.enum(['inherit', 'random']),
  seed: z.int().nonnegative(),
  /** The stage whose artifact tells the result. */
  stage: z.enum(['choose', 'nested']),
  config: runConfig,
})

export type StudyCell = z.infer<typeof studyCell>

/** A cell with all stages that its result needs in their order, the one that tells it last. */
export interface PlannedCell {
  readonly cell: StudyCell
  readonly stages: readonly PlannedStage[]
}

export const storedStudy = z.strictObject({
  schema: z.literal(1),
  version: z.string(),
  scale: z.enum(SCALES),
  /** What it was asked; cells may help to answer more. */
  questions: z.array(question).min(1),
  cells: z.array(studyCell).min(1),
})

export type StoredStudy = z.infer<typeof storedStudy>

/** What a folder is a study of. @throws Error of one line where it is none */
export async function readStudy(dir: string): Promise<StoredStudy> {
  const file = join(dir, STUDY)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `${dir} is no study: ${STUDY} cannot be read (${error.code ?? error.message}); make one with: npx learngene study plan ${dir}`,
    )
  })
  let value: unknown
  try {
    value = JSON.parse(withoutMark(text))
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}); plan the study again`)
  }
  const parsed = storedStudy.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new Error(`${file}: ${path.length > 0 ? `'${path.join('.')}'` : 'it'} cannot be: ${message}; plan the study again`)
}

/** The images of a cell: validation and test images that are given are cut to the numbers that the configuration says, the same for every seed. */
export async function imagesOfCell(dir: string, config: Pick<RunConfig, 'images' | 'data'>): Promise<NamedDatasets> {
  const all = await asLookedAt(dir, await readImages(config))
  const { validationImages, testImages } = config.images
  const part = (dataset: Dataset | undefined, count: number | undefined) => {
    if (!dataset || count === undefined || count < 1 || count >= dataset.length) return dataset
    const even = dataset.classes.length > 0 && count % dataset.classes.length === 0
    return (even ? splitBalanced(dataset, count, createRng(0)) : split(dataset, { count }, createRng(0)))[0]
  }
  return { ...all, validation: part(all.validation, validationImages), test: part(all.test, testImages) }
}
