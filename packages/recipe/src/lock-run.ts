import { randomUUID } from 'node:crypto'
import { open, readFile, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reporter } from '@learngene/interfaces'
import { requireKeys } from '@learngene/vit-blocks'
import { makeFolder } from '@learngene/vit-blocks/node'

/** The file of a run's folder that says who is at work in it. */
export const LOCK = 'run.lock'

export interface LockOptions {
  /** Wait until the folder is free, rather than refuse. */
  readonly wait?: boolean
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal
  /** Is told whom it waits for. */
  readonly report?: Reporter
  /** What others are told is running here; default the process's arguments. */
  readonly command?: string
  /** Locks a part of the folder alone, by the name of the part's lock in it; default the whole run. */
  readonly file?: string
}

/** A folder that nobody else runs in. */
export interface RunLock {
  /** Lets others in. */
  release(): Promise<void>
}

/**
 * Takes a folder, which is made where it does not exist, for one run. The lock of a process that is gone is taken over: on this machine by
 * its id and, under Linux, the moment it started; on others where it has shown no life for five minutes.
 *
 * @throws Error of one line that names the holder where the folder is taken and `wait` is not set; the signal's reason
 */
export async function lockRun(dir: string, options: LockOptions = {}): Promise<RunLock> {
  requireKeys('lockRun', options, ['wait', 'signal', 'report', 'command', 'file'])
  const { wait = false, signal, report, command = process.argv.slice(1).join(' '), file = LOCK } = options
  const path = join(dir, file)
  const what = file === LOCK ? dir : path.replace(/\.lock$/, '')
  const me: Holder = {
    ...{ pid: process.pid, host: hostname(), since: new Date().toISOString(), command },
    ...{ started: await startOf(process.pid), token: randomUUID() },
  }
  let told = ''
  for (;;) {
    signal?.throwIfAborted()
    const holder = await claim(path, me).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${what} cannot be locked: ${error.message}`, { cause: error })
    })
    if (!holder) break
    const by =
      holder.pid === 0
        ? 'a process that has just begun'
        : `process ${holder.pid} on ${holder.host} since ${holder.since} (${holder.command})`
    const who = `${what} is in use by ${by}`
    if (!wait) throw new Error(`${who}; wait for it, end it, or name another folder`)
    if (told !== holder.token) report?.({ kind: 'message', text: `${who}; waiting` })
    told = holder.token
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
  const beat = setInterval(() => void touch(path), heartbeatMs)
  beat.unref()
  return {
    async release() {
      clearInterval(beat)
      await removeOf(path, me)
    },
  }
}

interface Holder {
  readonly pid: number
  readonly host: string
  readonly since: string
  readonly command: string
  /** When the process started, where the machine says. */
  readonly started: string | undefined
  /** Tells this lock from all others. */
  readonly token: string
}

const pollMs = 100
const heartbeatMs = 20_000
const foreignLifetimeMs = 300_000
/** Between making a lock and writing into it nobody takes as long. */
const writingMs = 10_000

/**
 * Tries to make the lock ours. Of several that find a dead holder's lock, one alone removes it: the one that gets the lock named after it.
 * So nobody removes a lock that has come into its place in the meantime.
 *
 * @returns undefined when it is ours, otherwise who holds it
 */
async function claim(path: string, me: Holder): Promise<Holder | undefined> {
  for (;;) {
    if (await create(path, me)) return
    const holder = await readHolder(path)
    if (!holder) continue
    if (await isAlive(path, holder)) return holder
    const removal = `${path}~${holder.token}`
    const remover = await claim(removal, me)
    if (remover) {
      await sleep(20)
      continue
    }
    await removeOf(path, holder)
    await removeOf(removal, me)
  }
}

async function create(path: string, me: Holder): Promise<boolean> {
  try {
    await makeFolder(join(path, '..'))
    const file = await open(path, 'wx')
    try {
      await file.writeFile(`${JSON.stringify(me, null, 2)}\n`)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock if it is still this holder's. */
async function removeOf(path: string, { token }: Holder): Promise<void> {
  if ((await readHolder(path))?.token === token) await rm(path, { force: true })
}

/**
 * Undefined where there is none any more. One that cannot be read, as its writer is or was in the middle of it, has a token of its own too.
 */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const [text, { ino, mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)]
    try {
      const holder = JSON.parse(text) as Holder
      if (typeof holder.token === 'string' && /^[0-9a-f-]{36}$/.test(holder.token) && Number.isInteger(holder.pid)) return holder
    } catch {}
    return {
      pid: 0,
      host: 'this machine',
      since: new Date(mtimeMs).toISOString(),
      command: 'unknown',
      started: undefined,
      token: `${ino}-${mtimeMs}`,
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

async function isAlive(path: string, holder: Holder): Promise<boolean> {
  const silence = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0)
  if (holder.pid === 0) return silence < writingMs
  if (holder.host !== hostname()) return silence < foreignLifetimeMs
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const started = await startOf(holder.pid)
  return holder.started === undefined || started === undefined || started === holder.started
}

/** The boot and the tick of it at which a process started, under Linux. Undefined elsewhere. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const line = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets, which may hold spaces and brackets; the start is the 22nd.
    return `${boot}:${line.slice(line.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}
