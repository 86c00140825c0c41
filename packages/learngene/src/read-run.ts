import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { COMMANDS, type RunReport } from '@learngene/recipe/reports'
import { oneLine } from './errors.js'
import { commandText } from './report/next.js'
import { listed } from './report/text.js'
import { reportSchema } from './report-schema.js'
import { findStoredRun, POOL, REPORT, requireDirectory, type StoredRun } from './run/run-folder.js'
import { withoutMark } from './without-mark.js'

/** Of the reports that this version writes and reads. */
const SCHEMA = 2

/**
 * What a finished run found.
 *
 * @throws when there is no such directory, it is not a run, the run is not finished, or its report is damaged, of another command or of another version
 */
export async function readRun(dir: string): Promise<RunReport> {
  await requireDirectory(dir)
  const stored = await findStoredRun(dir)
  const file = join(dir, REPORT)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${file} cannot be read: ${error.message}`)
  })
  if (text === undefined) throw stored ? await unfinished(dir, stored) : notARun(dir)
  const report = parseReport(text, file, (command) =>
    stored ? `write it again with: ${goOn(stored.command, dir)}` : `make the run again${command ? ` with: ${goOn(command, dir)}` : ''}`,
  )
  const { config, seed } = report
  // The report is that of the run before where the folder has since been given another configuration.
  if (stored && !isDeepStrictEqual({ config, seed }, { config: stored.config, seed: stored.seed })) throw await unfinished(dir, stored)
  return report
}

/** The folder of a finished run's pool. @throws when it is gone */
export async function poolOfRun(dir: string, { command }: Pick<RunReport, 'command'>): Promise<string> {
  const pool = join(dir, POOL)
  const isThere = await stat(pool).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isThere) return pool
  throw new Error(`${dir} has lost its pool: there is no folder ${pool}; write it again with: ${goOn(command, dir)}`)
}

const goOn = (command: StoredRun['command'], dir: string) => commandText(command, '--out', dir)

function notARun(dir: string): Error {
  return new Error(`${dir} is not a run: it has no ${REPORT}; name a directory that 'learngene run' or 'learngene quickstart' made`)
}

/** Which stages have not run, and the command that runs them. */
async function unfinished(dir: string, { command }: StoredRun): Promise<Error> {
  const { statusOfRun } = await import('./run/status.js')
  const next = goOn(command, dir)
  try {
    const { stages } = await statusOfRun(dir)
    const left = stages.filter(({ state }) => state !== 'done').map(({ stage }) => stage)
    const what = left.length > 0 ? `still to run: ${listed(left)}` : 'all stages have run, and what came out is not written'
    return new Error(`${dir} is not finished, ${what}; go on with: ${next}`)
  } catch (error) {
    return new Error(`${dir} is not finished, and where it stands cannot be told: ${oneLine(error)}; mend that and go on with: ${next}`)
  }
}

function parseReport(text: string, file: string, remedy: (command?: StoredRun['command']) => string): RunReport {
  let value: unknown
  try {
    value = JSON.parse(withoutMark(text))
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}); it was changed or damaged, ${remedy()}`)
  }
  const { schema, command } = (value ?? {}) as { schema?: unknown; command?: unknown }
  const known = COMMANDS.find((each) => each === command)
  if (!known || typeof schema !== 'number') {
    throw new Error(
      `${file} must be the report of learngene ${COMMANDS.join(' or ')}; it has schema ${JSON.stringify(schema)} and command ${JSON.stringify(command)}`,
    )
  }
  if (schema !== SCHEMA)
    throw new Error(`${file} must have schema ${SCHEMA}, it has ${schema}: another version of learngene wrote it; ${remedy(known)}`)
  const result = reportSchema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new Error(`${file} is damaged at ${path.join('.')}: ${message}; ${remedy(known)}`)
}
