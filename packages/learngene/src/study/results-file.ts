import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Artifact } from '@learngene/recipe'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { z } from 'zod'
import { UsageError } from '../errors.js'
import { decodeLines } from '../json-lines.js'
import { hash } from '../units/unit-file.js'
import { measures, measuresOf } from './measures.js'
import { MEASURED, type PlannedCell } from './study-folder.js'

/** One line of a file of results: what a cell has come to, which outlives the artifacts that it was read from. */
const resultLine = z.strictObject({
  schema: z.literal(1),
  cell: z.string().min(1),
  variant: z.string().min(1),
  start: z.enum(['inherit', 'random']),
  seed: z.int().nonnegative(),
  /** Of the cell's last stage, and with it of all that the result depends on. */
  key: hash,
  measures,
  /** What making each stage has cost, of those that it is known of; cells have stages in common. */
  stages: z.array(z.strictObject({ stage: z.string().min(1), key: hash, seconds: z.number().nonnegative() })),
  /** Package and version that wrote the last artifact, and when, as ISO 8601. */
  createdBy: z.string(),
  created: z.string(),
})

export type ResultLine = z.infer<typeof resultLine>

/** A line, and where it was read: `results.jsonl:3`. */
export interface FoundLine {
  readonly line: ResultLine
  readonly where: string
}

/** What is known of a study's results. */
export interface KeptResults {
  /** Of the cells that have run, by name, in their order. */
  readonly lines: ReadonlyMap<string, ResultLine>
  /** Lines of the study's own file that are of other recipes or images. */
  readonly others: readonly ResultLine[]
  /** How many of the given lines are of other recipes or images. */
  readonly left: number
  /** Of all stages that ran, each once. */
  readonly seconds: number
}

export const encodeResults = (lines: readonly ResultLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** @throws UsageError of one line that names the file, the line and what is wrong there */
export const decodeResults = (text: string, file: string): readonly FoundLine[] =>
  decodeLines(text, file, { schema: resultLine, name: 'a result', remedy: 'take the line out' }).map((line, i) => ({
    line,
    where: `${file}:${i + 1}`,
  }))

/** @throws as {@link decodeResults}, and where the file cannot be read */
export async function readResults(file: string): Promise<readonly FoundLine[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? error.message}); name a file that 'learngene study report' wrote`, {
      cause: error,
    })
  })
  return decodeResults(text, file)
}

/** What a study's own file holds, nothing where there is none. @throws as {@link readResults} */
export const ownResults = (dir: string): Promise<readonly FoundLine[]> =>
  readResults(join(dir, MEASURED)).catch((error: Error) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return []
    throw error
  })

/**
 * What artifacts and lines tell together. A cell's result is that of its artifact where it stands, and otherwise that of a line with the key of its last stage.
 *
 * @param stands the artifacts that stand, by key
 * @param own lines of the study's own file: none of them is lost
 * @param given lines of other files: those of no cell are left out
 * @throws UsageError naming two lines of one key that tell different measures, where no artifact decides
 */
export function joinResults(
  cells: readonly PlannedCell[],
  stands: ReadonlyMap<string, Artifact>,
  own: readonly FoundLine[],
  given: readonly FoundLine[] = [],
): KeptResults {
  const keys = new Set(cells.map(keyOfLast))
  const found = [...own, ...given]
  const told = toldOnce(found.filter(({ line }) => keys.has(line.key) && !stands.has(line.key)))
  const known = secondsOf(stands, found)
  const lines = new Map<string, ResultLine>()
  const counted = new Map<string, number>()
  for (const planned of cells) {
    const { name, variant, start, seed, stage } = planned.cell
    const key = keyOfLast(planned)
    const artifact = stands.get(key)
    const result = artifact ? { ...artifact.manifest, measures: measuresOf(stage, artifact.info) } : told.get(key)?.line
    if (result) {
      const { measures, createdBy, created } = result
      const stages = planned.stages.flatMap((each) => {
        const seconds = known.get(each.key)
        return seconds === undefined ? [] : [{ stage: each.stage.name, key: each.key, seconds }]
      })
      lines.set(name, { schema: 1, cell: name, variant, start, seed, key, measures, stages, createdBy, created })
    }
    for (const each of planned.stages) if (result || stands.has(each.key)) counted.set(each.key, known.get(each.key) ?? 0)
  }
  return {
    lines,
    others: own.flatMap(({ line }) => (keys.has(line.key) ? [] : [line])),
    left: given.filter(({ line }) => !keys.has(line.key)).length,
    seconds: [...counted.values()].reduce((sum, each) => sum + each, 0),
  }
}

/** Writes all lines to the study's folder: those of its cells in their order, then the others. */
export const writeResults = (dir: string, { lines, others }: KeptResults): Promise<void> =>
  writeFileAtomically(join(dir, MEASURED), encodeResults([...lines.values(), ...others]))

const keyOfLast = ({ stages }: PlannedCell) => stages.at(-1)!.key

function toldOnce(found: readonly FoundLine[]): ReadonlyMap<string, FoundLine> {
  const told = new Map<string, FoundLine>()
  for (const each of found) {
    const { key, cell } = each.line
    const before = told.get(key)
    if (!before) told.set(key, each)
    else if (!isDeepStrictEqual(before.line.measures, each.line.measures))
      throw new UsageError(
        `${each.where}: the measures of ${cell} must be those of ${before.where}, which has the same key; they are others: take one of the lines out`,
      )
  }
  return told
}

/** Seconds of stages by key: of the artifacts that stand, then of what lines tell, the first first. */
function secondsOf(stands: ReadonlyMap<string, Artifact>, found: readonly FoundLine[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>()
  for (const [key, { manifest }] of stands) if (manifest.account) known.set(key, manifest.account.seconds)
  for (const { line } of found) for (const { key, seconds } of line.stages) if (!known.has(key)) known.set(key, seconds)
  return known
}
