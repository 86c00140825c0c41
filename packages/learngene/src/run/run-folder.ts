import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMANDS, type RunReport } from '@learngene/recipe/reports'
import { commandText } from '../report/next.js'
import { withoutMark } from '../without-mark.js'
import { type RunConfig, runConfig } from './config.js'

/** What a finished run holds at its root. */
export const REPORT = 'report.json'
export const PAGE = 'report.html'
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

/** Whether there is a file or folder. */
export const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false) // biome-ignore format: short

/** Where a model is: in the folder of a run the descendant that it has chosen, else what was named. @throws Error where the run has chosen none yet */
export async function modelFile(named: string): Promise<string> {
  const descendant = join(named, DESCENDANT)
  if (await exists(descendant)) return descendant
  if (await exists(join(named, RUN)))
    throw new Error(`${named}: the run must have chosen a model, ${DESCENDANT}; it has not yet: finish it, or name a file`)
  return named
}

/** @throws Error of one line where there is no such directory */
export async function requireDirectory(dir: string): Promise<void> {
  const found = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new Error(`there is no directory ${dir}; name another, or make a run with: ${commandText('quickstart', '--out', dir)}`)
    throw new Error(`${dir} cannot be read: ${error.message}`)
  })
  if (!found.isDirectory()) throw new Error(`${dir} is a file; name the directory of a run`)
}

/** What a folder is a run of. @throws Error of one line where it is none, or of another version */
export async function readStoredRun(dir: string): Promise<StoredRun> {
  await requireDirectory(dir)
  const stored = await findStoredRun(dir)
  if (stored) return stored
  throw new Error(`${dir} is not a run: it has no ${RUN}; name a directory that 'learngene run' or 'learngene quickstart' made`)
}

/** The same, and undefined where the folder has no such file. @throws as {@link readStoredRun} */
export async function findStoredRun(dir: string): Promise<StoredRun | undefined> {
  const file = join(dir, RUN)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw new Error(`${file} cannot be read: ${(error as Error).message}`)
  }
  let stored: StoredRun
  try {
    stored = JSON.parse(withoutMark(text))
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}); it was changed or damaged; start anew with --force`)
  }
  if (stored?.schema === 1) {
    if (!COMMANDS.includes(stored.command)) throw new Error(`${file}: 'command' must be ${COMMANDS.join(' or ')}; start anew with --force`)
    if (!Number.isInteger(stored.seed)) throw new Error(`${file}: 'seed' must be an integer; start anew with --force`)
    const stays = runConfig.safeParse(stored.config)
    if (stays.success) return stored
    const { path, message } = stays.error.issues[0]!
    throw new Error(
      `${file}: '${['config', ...path].join('.')}' cannot be: ${message}; give the whole command again, or start anew with --force`,
    )
  }
  throw new Error(
    `${file} must have schema 1; it has ${JSON.stringify(stored?.schema)}: another version of learngene wrote it; start anew with --force`,
  )
}
