import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { plan, statusOf, unitsOf } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { type PreparedRun, type ProgramOptions, prepareRun } from '../run/program.js'
import { stagesOfRun } from '../run/run-folder.js'
import { decodeUnits, encodeUnits, type UnitLine, wavesOf } from './unit-file.js'

export interface ListedUnits {
  readonly file: string
  readonly units: number
  /** Where each wave begins in the file, from 0, and how many units it has. */
  readonly waves: ReturnType<typeof wavesOf>
}

/**
 * Prepares a run and writes the units that have not run to a file; nothing is computed.
 *
 * @param shares parts that evaluations are cut into
 * @throws as `prepareRun`; where the file is there and no file of units
 */
export async function listUnits(
  options: ProgramOptions,
  { file, shares }: { readonly file: string; readonly shares: number },
): Promise<ListedUnits> {
  await assertUnitsReplaceable(file)
  const list = async ({ recipe }: PreparedRun) => {
    const { outDir, backend, workers } = options
    const planned = await plan(await recipe())
    const { stages } = await statusOf(
      planned.map(({ stage }) => stage),
      diskStore(stagesOfRun(outDir)),
    )
    const stands = new Set(stages.filter(({ state }) => state === 'done').map(({ stage }) => stage))
    const of = relative(dirname(resolve(file)), resolve(outDir)).replaceAll('\\', '/') || '.'
    const computing = { ...(backend !== 'auto' && { backend }), ...(workers !== undefined && { workers }) }
    const units = unitsOf(planned, { stands, shares }).map((unit) => ({ of, ...unit, ...computing }))
    return writeUnits(file, units)
  }
  return prepareRun(options, list, { computes: false })
}

/** @throws where a file is there whose first line is no unit */
async function assertUnitsReplaceable(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new Error(`${file} cannot be written: ${error.message}; name another file`)
  })
  if (!found) return
  try {
    if (found.isFile() && decodeUnits((await readFile(file, 'utf8')).split('\n', 1)[0]!, file)) return
  } catch {}
  throw new Error(`${file} exists and is no file of units; name another file, or remove it`)
}

/** Writes a file of units, whole or not at all. */
export async function writeUnits(file: string, units: readonly Omit<UnitLine, 'schema' | 'command'>[]): Promise<ListedUnits> {
  await writeFileAtomically(file, encodeUnits(units, basename(file)))
  return { file, units: units.length, waves: wavesOf(units) }
}
