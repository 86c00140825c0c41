import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { commitFolder, discardFolder, type StagedFolder, stageFolder } from '@learngene/vit-blocks/node'
import { version } from './version.js'

/** Says in each directory that a command made which one it was. */
export const MARKER = 'learngene-run.json'

/** A run in the making. Its files go to `path`; `dir` is untouched until {@link commitRunDirectory}. */
export interface RunDirectory extends StagedFolder {
  readonly command: string
  readonly force: boolean
}

interface Marker {
  readonly command: string
  readonly version: string
  /** Names of all that the command wrote. */
  readonly files: readonly string[]
}

/**
 * Gets a directory ready for a run of `command`. It may be missing, empty, or hold a run of the same command, which will be replaced when the
 * new one is committed, and not before: whatever happens until then, it stays as it is.
 *
 * @param options.force replace whatever is there
 * @throws when the directory holds anything else, when it is a file, or when the working directory lies inside it
 */
export async function prepareRunDirectory(
  dir: string,
  command: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<RunDirectory> {
  const staged = await stageFolder(dir)
  try {
    await assertReplaceable(staged.dir, dir, command, force)
  } catch (error) {
    await discardFolder(staged)
    throw error
  }
  return { ...staged, command, force }
}

/** Runs that were committed or are where {@link commitRunDirectory} could not put them. */
const complete = new WeakSet<RunDirectory>()

/**
 * Puts the run in its place. A crash at any point leaves the old run or the new one, at worst under a hidden name beside the directory, from where
 * the next run restores it.
 *
 * @throws when something else has come to the directory in the meantime; the run then stays at `path`
 */
export async function commitRunDirectory(run: RunDirectory): Promise<void> {
  const { path, dir, command, force } = run
  complete.add(run)
  try {
    await assertReplaceable(dir, dir, command, force)
    const marker: Marker = { command, version, files: [...(await readdir(path)), MARKER].sort() }
    await writeFile(join(path, MARKER), `${JSON.stringify(marker, null, 2)}\n`)
    await commitFolder(run)
  } catch (error) {
    throw new Error(`${(error as Error).message}; what was to go there is in ${path}`, { cause: error })
  }
}

/** Removes what a failed run has written. Does nothing after {@link commitRunDirectory}, successful or not: complete runs are kept. */
export async function discardRunDirectory(run: RunDirectory): Promise<void> {
  if (!complete.has(run)) await discardFolder(run)
}

async function assertReplaceable(dir: string, name: string, command: string, force: boolean): Promise<void> {
  const found = await stat(dir).catch(ignoreMissing)
  if (!found) return
  if (!found.isDirectory())
    throw new Error(`${name} is a file; name a directory that does not exist, is empty or holds a run of '${command}'`)
  const inside = relative(dir, process.cwd())
  if (!inside.startsWith('..')) {
    throw new Error(`${name} cannot be replaced while the working directory is inside it; start the command from elsewhere`)
  }
  if (force) return
  const entries = await readdir(dir)
  if (entries.length === 0) return
  const marker = await readMarker(dir)
  const advice = 'name another directory, or replace it with --force'
  if (!marker) throw new Error(`${name} is not empty and no run of '${command}': it holds ${some(entries)}; ${advice}`)
  if (marker.command !== command) throw new Error(`${name} was made by '${marker.command}', not by '${command}'; ${advice}`)
  const foreign = entries.filter((entry) => !marker.files.includes(entry))
  if (foreign.length > 0)
    throw new Error(`${name} holds ${some(foreign)} besides what '${command}' wrote; move that away, or replace it with --force`)
}

async function readMarker(dir: string): Promise<Marker | undefined> {
  try {
    const { command, version, files } = JSON.parse(await readFile(join(dir, MARKER), 'utf8')) as Partial<Marker>
    return typeof command === 'string' && typeof version === 'string' && Array.isArray(files) ? { command, version, files } : undefined
  } catch {
    return undefined
  }
}

function some(names: readonly string[]): string {
  const shown = names
    .slice(0, 3)
    .map((name) => basename(name))
    .join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
