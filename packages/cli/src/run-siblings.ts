import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** `new`: a run being written. `old`: a run about to be replaced. */
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

/** Nobody works a day on one run; on this machine processes are asked after instead. */
const FOREIGN_LIFETIME_MS = 24 * 3600 * 1000

/** A hidden name beside `dir` that tells who uses it. */
export function newSibling(dir: string, kind: Kind): string {
  const path = join(dirname(dir), `.${basename(dir)}.learngene-${kind}~${host}~${process.pid}~${randomBytes(4).toString('hex')}`)
  ours.add(path)
  return path
}

export function forgetSibling(path: string): void {
  ours.delete(path)
}

/** Whether this process is at work on a sibling. */
export function isInUse(path: string): boolean {
  return ours.has(path)
}

/** Clears what dead runs left beside `dir`; a run that died just before it was replaced goes back to its place. */
export async function cleanSiblings(dir: string): Promise<void> {
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
  if (sibling.pid === process.pid) return isInUse(sibling.path)
  try {
    process.kill(sibling.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
