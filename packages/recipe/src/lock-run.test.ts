import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportEvent } from '@learngene/interfaces'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LOCK, lockRun } from './lock-run.js'

let root: string
let dir: string
let path: string
const children: ChildProcess[] = []
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lock-'))
  dir = join(root, 'runs', 'mine')
  path = join(dir, LOCK)
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(root, { recursive: true })
})

const holder = async () => JSON.parse(await readFile(path, 'utf8'))
/** Makes the lock one of another holder. */
async function pretend(change: object): Promise<void> {
  const lock = await lockRun(dir, { command: 'learngene run' })
  const now = await holder()
  await lock.release()
  await writeFile(path, JSON.stringify({ ...now, ...change }))
}
const age = (seconds: number) => {
  const then = new Date(Date.now() - seconds * 1000)
  return utimes(path, then, then)
}
/** A process id that was used and is free again. */
const deadPid = () => spawnSync(process.execPath, ['--version']).pid!

it('lets one in, names it to the next, and leaves nothing when it is released', async () => {
  const lock = await lockRun(dir, { command: 'learngene run --dir mine' })
  const { since } = await holder()
  await expect(lockRun(dir)).rejects.toThrow(
    `${dir} is in use by process ${process.pid} on ${hostname()} since ${since} (learngene run --dir mine); wait for it, end it, or name another folder`,
  )
  await lock.release()
  expect(await readdir(dir)).toEqual([])
  await (await lockRun(dir)).release()
  await lock.release()
})

it('waits its turn, and says for whom', async () => {
  const first = await lockRun(dir, { command: 'the first' })
  const events: ReportEvent[] = []
  const second = lockRun(dir, { wait: true, report: (event) => events.push(event) })
  await expect.poll(() => events).toHaveLength(1)
  expect(events[0]).toMatchObject({ kind: 'message', text: expect.stringMatching(/\(the first\); waiting$/) })
  await first.release()
  const lock = await second
  expect(events).toHaveLength(1)
  await lock.release()
})

it('ends its waiting when it is aborted', async () => {
  const lock = await lockRun(dir)
  const controller = new AbortController()
  const waiting = lockRun(dir, { wait: true, signal: controller.signal, report: () => controller.abort(new Error('enough')) })
  await expect(waiting).rejects.toThrow('enough')
  await lock.release()
})

describe('a lock that was left', () => {
  const takenOver = async (change: object) => {
    await pretend(change)
    const lock = await lockRun(dir, { command: 'the next' })
    expect(await holder()).toMatchObject({ pid: process.pid, command: 'the next' })
    await lock.release()
    expect(await readdir(dir)).toEqual([])
  }

  it('by a process that is gone is taken over', () => takenOver({ pid: deadPid() }))

  it.skipIf(process.platform !== 'linux')('by a process whose id another one has now is taken over', () =>
    takenOver({ started: 'boot:123' }),
  )

  it('by a process that was killed is taken over', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    children.push(child)
    await pretend({ pid: child.pid, started: undefined })
    await expect(lockRun(dir)).rejects.toThrow(`in use by process ${child.pid}`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await (await lockRun(dir)).release()
  })

  it('on another machine is respected while it shows life', async () => {
    await pretend({ host: 'elsewhere', pid: deadPid() })
    await expect(lockRun(dir)).rejects.toThrow('on elsewhere since')
    await age(299)
    await expect(lockRun(dir)).rejects.toThrow('on elsewhere since')
    await age(301)
    await (await lockRun(dir)).release()
  })

  it.each(['', '{"pid": 12', '{"pid": 12}', 'null'])(
    'in the middle of being written (%j) is taken over when nobody can be writing it',
    async (text) => {
      await pretend({})
      await writeFile(path, text)
      await expect(lockRun(dir)).rejects.toThrow('is in use by a process that has just begun')
      await age(11)
      await (await lockRun(dir)).release()
      expect(await readdir(dir)).toEqual([])
    },
  )

  it('is taken over although somebody died in taking it over', async () => {
    await pretend({ pid: deadPid() })
    const { token } = await holder()
    await writeFile(`${path}~${token}`, JSON.stringify({ ...(await holder()), token: '00000000-0000-0000-0000-000000000000' }))
    await (await lockRun(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })
})

it('lets one in at a time, of many that find a dead one', async () => {
  for (let round = 0; round < 5; round++) {
    await pretend({ pid: deadPid() })
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await lockRun(dir, { wait: true })
        inside++
        most = Math.max(most, inside)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inside--
        await lock.release()
      }),
    )
    expect(most).toBe(1)
  }
  expect(await readdir(dir)).toEqual([])
})

it('says in one line why a folder cannot be locked', async () => {
  await writeFile(join(root, 'runs'), 'a file')
  await expect(lockRun(dir)).rejects.toThrow(/^\S+runs\/mine cannot be locked: [^\n]+$/)
  await expect(lockRun(dir, { waiting: true } as never)).rejects.toThrow("lockRun: there is no option 'waiting'")
})
