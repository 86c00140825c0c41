import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * Writes a file as a whole or not at all: into a new file of the same folder, which then takes the name. When that fails (no space, a crash),
 * the file that had the name before is untouched.
 *
 * @throws Error of one line naming the path
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new Error(`${path}: cannot be written: ${reasonOf(error as NodeJS.ErrnoException, path)}`, { cause: error })
  }
}

const reasons: { readonly [code: string]: string } = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'there is no permission',
  EPERM: 'there is no permission',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
}

function reasonOf({ code, message }: NodeJS.ErrnoException, path: string): string {
  return code === 'ENOENT' ? `there is no folder ${dirname(path)}` : (reasons[code ?? ''] ?? message)
}

/** Makes a folder and those that it is in, where they are not there. @throws Error of one line, with the system's as its cause */
export async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Node says ENOENT where a folder above can be read alone, EEXIST where the folder is a file.
    const reason = { ENOENT: reasons.EROFS, EEXIST: 'it is a file' }[code ?? ''] ?? reasons[code ?? ''] ?? message
    throw new Error(`${dir}: the folder cannot be made: ${reason}; name another`, { cause: error })
  }
}

/** A folder in the making. Its files go to `path`; `dir` is untouched until {@link commitFolder}. */
export interface StagedFolder {
  /** Where to write: an empty folder beside `dir`. */
  readonly path: string
  /** Where it will be; a symbolic link is followed and stays. */
  readonly dir: string
}

/**
 * Replaces a folder as a whole or not at all: `write` fills an empty folder beside it, which then takes its name. When anything fails, the folder
 * that had the name before is there as it was; after a crash the next call puts it back where it is missing.
 *
 * @throws what `write` throws; Error of one line where `dir` is a file, or cannot be written or replaced
 */
export async function replaceFolder(dir: string, write: (path: string) => Promise<void>): Promise<void> {
  const staged = await stageFolder(dir)
  try {
    await write(staged.path)
    await commitFolder(staged)
  } catch (error) {
    // What the file system says names neither the folder nor what to do.
    if (!/^E[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw new Error(`${dir}: cannot be written: ${reasonOf(error as NodeJS.ErrnoException, dir)}`, { cause: error })
  } finally {
    await discardFolder(staged)
  }
}

/**
 * Makes an empty folder beside `dir`, to be filled and given to {@link commitFolder} or {@link discardFolder}. Clears what dead processes left there;
 * what one had moved aside without putting the new in its place goes back.
 *
 * @throws Error of one line where `dir` is a file
 */
export async function stageFolder(dir: string): Promise<StagedFolder> {
  const target = await realpath(dir).catch(() => resolve(dir))
  await makeFolder(dirname(target))
  await cleanSiblings(target)
  await isFolder(target)
  const path = newSibling(target, 'new')
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${dir}: cannot be written: ${reasonOf(error, target)}`, { cause: error })
  })
  return { path, dir: target }
}

/**
 * Puts a staged folder in its place.
 *
 * @throws Error of one line where that fails; the earlier folder is then in its place and the staged one where it was
 */
export async function commitFolder({ path, dir }: StagedFolder): Promise<void> {
  const old = newSibling(dir, 'old')
  try {
    const replaces = await isFolder(dir)
    if (replaces) await rename(dir, old)
    try {
      await rename(path, dir)
    } catch (error) {
      if (replaces) await rename(old, dir)
      throw error
    }
    ours.delete(path)
  } catch (error) {
    throw new Error(`${dir} cannot be replaced: ${(error as Error).message}`, { cause: error })
  } finally {
    ours.delete(old)
  }
  await rm(old, { recursive: true, force: true })
}

/** Removes a staged folder that is not wanted any more. Does nothing once it is in its place. */
export async function discardFolder({ path }: StagedFolder): Promise<void> {
  await rm(path, { recursive: true, force: true })
  ours.delete(path)
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (found && !found.isDirectory()) throw new Error(`${path} is a file; name a folder, or what does not exist`)
  return found !== undefined
}

/** `new`: a folder being written. `old`: one about to be replaced. */
type Kind = 'new' | 'old'

interface Sibling {
  readonly path: string
  readonly kind: Kind
  readonly host: string
  readonly pid: number
}

/** Siblings on which this process is at work. */
const ours = new Set<string>()

const host = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')

/** Nobody works a day on one folder; on this machine processes are asked after instead. */
const FOREIGN_LIFETIME_MS = 24 * 3600 * 1000

/** A hidden name beside `dir` that tells who uses it. */
function newSibling(dir: string, kind: Kind): string {
  const path = join(dirname(dir), `.${basename(dir)}.learngene-${kind}~${host}~${process.pid}~${randomBytes(4).toString('hex')}`)
  ours.add(path)
  return path
}

/** Clears what dead processes left beside `dir`; a folder whose process died just before it was replaced goes back to its place. */
async function cleanSiblings(dir: string): Promise<void> {
  for (const sibling of await siblingsOf(dir)) {
    if (await isAlive(sibling)) continue
    const missing = (await stat(dir).catch(() => undefined)) === undefined
    if (sibling.kind === 'old' && missing) await rename(sibling.path, dir)
    else await rm(sibling.path, { recursive: true, force: true })
  }
}

async function siblingsOf(dir: string): Promise<Sibling[]> {
  const prefix = `.${basename(dir)}.learngene-`
  const names = (await readdir(dirname(dir))).filter((name) => name.startsWith(prefix))
  return names.flatMap((name) => {
    const match = /^(new|old)~([^~]+)~(\d+)~[0-9a-f]{8}$/.exec(name.slice(prefix.length))
    return match ? [{ path: join(dirname(dir), name), kind: match[1] as Kind, host: match[2]!, pid: Number(match[3]) }] : []
  })
}

async function isAlive(sibling: Sibling): Promise<boolean> {
  if (sibling.host !== host) return Date.now() - (await stat(sibling.path)).mtimeMs < FOREIGN_LIFETIME_MS
  if (sibling.pid === process.pid) return ours.has(sibling.path)
  try {
    process.kill(sibling.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
