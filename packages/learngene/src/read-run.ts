import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMANDS, type QuickstartReport } from './quickstart/report.js'
import { reportSchema } from './report-schema.js'

/** The file of a run that says what came out. */
export const REPORT = 'report.json'

/** The page that shows it. */
export const PAGE = 'report.html'

/** The folder of a run that holds its pool. */
export const POOL = 'pool'

/** Of the reports that this version writes and reads. */
const SCHEMA = 2

/**
 * What a run found.
 *
 * @throws when there is no such directory, it is not a run, or its report is damaged, of another command or of another version
 */
export async function readRun(dir: string): Promise<QuickstartReport> {
  await assertDirectory(dir)
  const file = join(dir, REPORT)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw notARun(dir, REPORT)
    throw error
  })
  const value = parse(text, file)
  const { schema, command } = (value ?? {}) as { schema?: unknown; command?: unknown }
  const isKnown = COMMANDS.some((known) => known === command)
  if (!isKnown || typeof schema !== 'number') {
    throw new Error(
      `${file} must be the report of learngene ${COMMANDS.join(' or ')}; it has schema ${JSON.stringify(schema)} and command ${JSON.stringify(command)}`,
    )
  }
  if (schema !== SCHEMA) {
    throw new Error(
      `${file} must have schema ${SCHEMA}, it has ${schema}: another version of learngene wrote it; make the run again with 'learngene ${command} --out ${dir}'`,
    )
  }
  const result = reportSchema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new Error(`${file} is damaged at ${path.join('.')}: ${message}; make the run again`)
}

/** The folder of a run's pool. @throws when there is none */
export async function poolOfRun(dir: string): Promise<string> {
  await assertDirectory(dir)
  const pool = join(dir, POOL)
  if (!(await isDirectory(pool))) throw notARun(dir, `${POOL}/`)
  return pool
}

async function assertDirectory(dir: string): Promise<void> {
  if (!(await isDirectory(dir))) {
    throw new Error(`there is no directory ${dir}; make a run with 'learngene quickstart --out ${dir}', or name another`)
  }
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function notARun(dir: string, missing: string): Error {
  return new Error(`${dir} is not a run: it has no ${missing}; name a directory that 'learngene quickstart' made`)
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}); it was changed or damaged, make the run again`)
  }
}
