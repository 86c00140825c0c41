import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunReport } from '@learngene/recipe/reports'
import type { RunConfig } from './config.js'

/** What a finished run holds at its root, besides report.html. */
export const REPORT = 'report.json'
export const POOL = 'pool'
export const DESCENDANT = 'descendant.safetensors'

/** Says what a folder is a run of. */
export const RUN = 'run.json'

export interface StoredRun {
  readonly schema: 1
  readonly command: RunReport['command']
  readonly version: string
  readonly seed: number
  readonly config: RunConfig
  /** The module with the functions of the configuration. */
  readonly configFile?: string
}

/** Where a run's artifacts are. */
export const stagesOfRun = (dir: string) => join(dir, 'stages')

/** What a folder is a run of. @throws Error of one line where it is none, or of another version */
export async function readStoredRun(dir: string): Promise<StoredRun> {
  const file = join(dir, RUN)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Error(`${dir} is not a run: it has no ${RUN}; name a directory that 'learngene run' or 'learngene quickstart' made`)
    throw new Error(`${file} cannot be read: ${error.message}`)
  })
  let stored: StoredRun
  try {
    stored = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}); it was changed or damaged`)
  }
  if (stored?.schema === 1) return stored
  throw new Error(
    `${file} must have schema 1; it has ${JSON.stringify(stored?.schema)}: another version of learngene wrote it; start anew with --force`,
  )
}
