import { readFile } from 'node:fs/promises'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { z } from 'zod'
import { UsageError } from '../errors.js'
import { decodeLines } from '../json-lines.js'
import { BACKENDS } from '../options.js'

export const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')

/** One line of a file of units: a piece of work that any machine can do by itself, and that leaves one artifact. */
export const unitLine = z.strictObject({
  schema: z.literal(1),
  /** The folder of the run or of the study, from the folder of the file. */
  of: z.string().min(1),
  /** Of a study: whose configuration it is. */
  cell: z.string().min(1).optional(),
  /** What is run: a stage, or a share of one, `evaluate.2of4`; of a study, with all that it needs. */
  stage: z.string().min(1),
  /** Of the artifact that stands afterwards; of a share, of the whole stage's. */
  key: hash,
  /** What it reads, by name: keys of stages, fingerprints of images and models. */
  inputs: z.record(z.string(), z.string()),
  /** Units of one wave need nothing of each other; all of a wave must have run before the next. From 0. */
  wave: z.int().nonnegative(),
  /** Where all units shall compute alike. */
  backend: z.enum(BACKENDS).optional(),
  workers: z.int().positive().max(64).optional(),
  /** What a machine that knows nothing of this format runs, from the folder of the file. */
  command: z.array(z.string()).min(1),
})

export type UnitLine = z.infer<typeof unitLine>

/** How a unit is run here; backend and workers in place of the file's. */
export interface UnitOptions {
  readonly backend?: BackendName | 'auto'
  readonly workers?: number
  readonly checkpointEvery?: number
  readonly report: Reporter
  readonly signal: AbortSignal
}

/** Lines of JSON, with the command of each by its place. @param name the file's own name */
export function encodeUnits(units: readonly Omit<UnitLine, 'schema' | 'command'>[], name: string): string {
  const lines = units.map((unit, index) =>
    JSON.stringify({ schema: 1, ...unit, command: ['learngene', 'unit', 'run', name, '--index', String(index)] }),
  )
  return lines.map((line) => `${line}\n`).join('')
}

/**
 * The units of a file, each line checked.
 *
 * @throws UsageError of one line that names the file, the line and what is wrong there
 */
export function decodeUnits(text: string, file: string): readonly UnitLine[] {
  return decodeLines(text, file, { schema: unitLine, name: 'a unit', remedy: 'write the file anew' })
}

/** @param remedy what to do where there is none @throws UsageError where the file cannot be read, or a line is no unit */
export async function readUnits(file: string, remedy: string): Promise<readonly UnitLine[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? error.message}); ${remedy}`)
  })
  return decodeUnits(text, file)
}

/** @throws as {@link readUnits}, and where there is none of this index */
export async function readUnit(file: string, index: number): Promise<UnitLine> {
  const units = await readUnits(file, "name a file that 'learngene run --units' or 'learngene study plan' wrote")
  const unit = units[index]
  if (unit) return unit
  const range = units.length === 0 ? 'it has no units: all has run' : `its units are 0 to ${units.length - 1}`
  throw new UsageError(`${file}: there is no unit ${index}; ${range}`)
}

/** Units by wave: where each begins and how many it has, for engines that run arrays one after the other. */
export function wavesOf(units: readonly Pick<UnitLine, 'wave'>[]): readonly { readonly first: number; readonly count: number }[] {
  const waves: { first: number; count: number }[] = []
  units.forEach(({ wave }, index) => {
    if (index === 0 || units[index - 1]!.wave !== wave) waves.push({ first: index, count: 0 })
    waves.at(-1)!.count += 1
  })
  return waves
}
