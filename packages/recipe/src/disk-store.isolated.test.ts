import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { canonicalJson, sha256 } from './canonical-json.js'
import { diskStore } from './disk-store.js'
import { SchemaError } from './manifest.js'
import type { ArtifactStore } from './store.js'

vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original()
  return { ...actual, open: vi.fn(actual.open), rename: vi.fn(actual.rename) }
})

const key = 'a'.repeat(64)
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i)

let root: string
let dir: string
let store: ArtifactStore
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'disk-store-'))
  dir = join(root, 'mine')
  store = diskStore(dir)
})
afterEach(async () => {
  vi.mocked(open).mockReset()
  vi.mocked(rename).mockReset()
  await rm(root, { recursive: true, force: true })
})

const at = (...names: string[]) => join(dir, 'tier-w192', ...names)
const write = () => store.write('tier:w192', key, { weights: bytes, 'more/weights': bytes }, { top1: 0.5 })
const problemOf = async () => {
  const found = await store.find('tier:w192')
  return found.state === 'damaged' ? found.problem : found.state
}
const lineOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => error.message,
  )

it('is a folder for each artifact, and nothing else', async () => {
  await write()
  await write()
  expect(await readdir(dir)).toEqual(['tier-w192'])
  expect((await readdir(at(), { recursive: true })).sort()).toEqual(['artifact.json', 'more', 'more/weights', 'weights'])
  expect(JSON.parse(await readFile(at('artifact.json'), 'utf8'))).toMatchObject({ stage: 'tier:w192', key, info: { top1: 0.5 } })
})

it('lists artifacts beside what else is there', async () => {
  expect(await store.list()).toEqual([])
  await write()
  await mkdir(join(dir, 'notes'))
  await writeFile(join(dir, 'metrics.jsonl'), '')
  expect((await store.list()).map(({ stage }) => stage)).toEqual(['tier:w192'])
})

describe('a folder for several recipes', () => {
  const other = 'b'.repeat(64)
  const [one, two] = [
    () => diskStore(dir, { ancestor: key, 'tier:w192': key }),
    () => diskStore(dir, { ancestor: key, 'tier:w192': other }),
  ]

  it('holds what they share once, and what differs beside each other', async () => {
    await one().write('ancestor', key, { model: bytes }, {})
    await one().write('tier:w192', key, { weights: bytes }, { of: 1 })
    await two().write('tier:w192', other, { weights: bytes }, { of: 2 })
    await two().write('tier:w192.1of2', other, {}, {})
    await two().saveCheckpoint('ancestor', key, bytes, { step: 3 })
    expect((await readdir(dir)).sort()).toEqual([
      '.checkpoints',
      `ancestor-${'a'.repeat(16)}`,
      `tier-w192-${'a'.repeat(16)}`,
      `tier-w192-${'b'.repeat(16)}`,
      `tier-w192-${'b'.repeat(16)}.1of2`,
    ])
    expect((await one().list()).map(({ stage, info }) => [stage, info])).toEqual([
      ['ancestor', {}],
      ['tier:w192', { of: 1 }],
    ])
    expect((await two().list()).map(({ stage }) => stage)).toEqual(['ancestor', 'tier:w192', 'tier:w192.1of2'])
    expect((await one().findCheckpoint('ancestor')).state).toBe('whole')
  })

  it('knows the stages of its recipe only', async () => {
    await expect(one().find('tune')).rejects.toThrow("'tune' is no stage of this recipe; they are ancestor, tier:w192")
  })
})

describe('what is damaged counts as absent', () => {
  beforeEach(write)

  it.each<[string, () => Promise<unknown>, string]>([
    ['a file that is missing', () => rm(at('weights')), 'mine/tier-w192/weights is missing'],
    ['a file that is shorter', () => writeFile(at('more/weights'), bytes.slice(1)), 'more/weights must have 1000 bytes; it has 999'],
    ['a file that is a folder', async () => [await rm(at('weights')), await mkdir(at('weights'))], 'must be a regular file'],
    ['an empty manifest', () => writeFile(at('artifact.json'), ''), 'it must be JSON'],
    [
      'half a manifest',
      async () => writeFile(at('artifact.json'), (await readFile(at('artifact.json'))).subarray(0, 200)),
      'it must be JSON',
    ],
  ])('%s', async (_, damage, message) => {
    await damage()
    expect(await problemOf()).toMatch(new RegExp(`^${dir}: tier-w192 is damaged and counts as absent: .*${message}`))
    await expect(store.read('tier:w192')).rejects.toThrow("; run stage 'tier:w192' again")
    expect(await store.list()).toEqual([])
  })

  it('an artifact under the name of another', async () => {
    await rename(at(), join(dir, 'pool'))
    const problem = `${dir}: pool is damaged and counts as absent: it must be the artifact of 'pool'; it is that of 'tier:w192'`
    expect(await store.find('pool')).toEqual({ state: 'damaged', problem })
    expect(await store.list()).toEqual([])
  })

  it('any byte of a manifest', async () => {
    const manifest = await readFile(at('artifact.json'))
    for (let i = 0; i < manifest.length; i++) {
      const changed = Uint8Array.from(manifest)
      changed[i]! ^= 1 << (i % 7)
      await writeFile(at('artifact.json'), changed)
      // White space between values means nothing.
      const blank = /\s/.test(String.fromCharCode(manifest[i]!))
      expect(blank ? 'damaged' : (await store.find('tier:w192')).state, `byte ${i}`).toBe('damaged')
    }
  })

  it('a changed byte of a file is found on reading it', async () => {
    const artifact = await store.read('tier:w192')
    await writeFile(at('weights'), bytes.with(7, 0))
    const message = /^\S+mine\/tier-w192\/weights must have the hash that the manifest says; it was changed$/
    await expect(artifact.verify()).rejects.toThrow(message)
    await expect(artifact.read('weights')).rejects.toThrow(message)
    expect(await artifact.read('more/weights')).toEqual(bytes)
  })

  it('is replaced by writing it again', async () => {
    await rm(at('weights'))
    await write()
    expect(await problemOf()).toBe('whole')
  })
})

describe('a checkpoint that is damaged counts as absent', () => {
  const path = () => join(dir, '.checkpoints', 'pool')
  beforeEach(() => store.saveCheckpoint('pool', key, bytes, { step: 3, total: 4 }))

  it('with any byte changed or the end cut off', async () => {
    const whole = await readFile(path())
    const damaged = [
      ...Array.from({ length: 400 }, (_, i) => (i < 300 ? i : whole.length - i)).map((i) => whole.with(i, whole[i]! ^ 1)),
      ...[0, 1, 20, 30, 100, whole.length - 1].map((length) => whole.subarray(0, length)),
      Buffer.concat([whole, Buffer.of(0)]),
    ]
    for (const [i, each] of damaged.entries()) {
      await writeFile(path(), each)
      expect((await store.loadCheckpoint('pool', key)).state, `damage ${i}`).toBe('damaged')
    }
    await writeFile(path(), whole.with(whole.length - 1, 0))
    expect(await store.loadCheckpoint('pool', key)).toMatchObject({
      problem: `${dir}: checkpoint of 'pool' is damaged and counts as absent: it must have the hash that its header says; it was changed`,
    })
  })
})

it('refuses what another version wrote rather than write over it', async () => {
  await write()
  const { sha256: _, ...manifest } = JSON.parse(await readFile(at('artifact.json'), 'utf8'))
  const later = { ...manifest, schema: 2 }
  await writeFile(at('artifact.json'), JSON.stringify({ ...later, sha256: await sha256(canonicalJson(later)) }))
  await expect(store.find('tier:w192')).rejects.toThrow(
    new SchemaError(
      `${dir}: tier-w192: it has schema 2, and this version reads schema 1; use the version that wrote it, or another folder`,
    ),
  )
})

describe('an error of the disk', () => {
  const refuse = (what: typeof open | typeof rename, code: string) =>
    vi.mocked(what as typeof open).mockImplementation(async () => {
      throw Object.assign(new Error(`${code}: something, write`), { code })
    })

  it.each([
    ['ENOSPC', 'the disk is full; free some space and run again, what is finished stands'],
    ['EDQUOT', 'the disk quota is used up'],
    ['EACCES', 'there is no permission; change that of the folder, or name another'],
    ['EROFS', 'the file system is read-only; name another folder'],
    ['EIO', 'EIO: something, write'],
  ])('%s is one line, and what was there stays', async (code, message) => {
    await write()
    await store.saveCheckpoint('tier:w192', key, bytes, { step: 1 })
    refuse(open, code)
    expect(await lineOf(write())).toMatch(new RegExp(`^${dir}/tier-w192: ${message}[^\n]*$`))
    expect(await lineOf(store.saveCheckpoint('tier:w192', key, bytes, { step: 2 }))).toMatch(
      new RegExp(`^${dir}/.checkpoints/tier-w192: ${message}[^\n]*$`),
    )
    vi.mocked(open).mockReset()
    expect(await (await store.read('tier:w192')).read('weights')).toEqual(bytes)
    expect(await store.findCheckpoint('tier:w192')).toMatchObject({ state: 'whole', value: { step: 1 } })
    expect([await readdir(dir), await readdir(join(dir, '.checkpoints'))]).toEqual([['.checkpoints', 'tier-w192'], ['tier-w192']])
  })

  it('a rename that fails is one line, and what was there stays', async () => {
    await write()
    refuse(rename, 'EACCES')
    expect(await lineOf(write())).toBe(`${at()}: there is no permission; change that of the folder, or name another`)
    vi.mocked(rename).mockReset()
    expect(await problemOf()).toBe('whole')
    expect(await readdir(dir)).toEqual(['tier-w192'])
  })

  it('a full disk leaves no half-written file', async () => {
    await write()
    vi.mocked(open).mockImplementation(async (path, flags) => {
      const { open: actual } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')
      const file = await actual(path, flags)
      if (flags !== 'w') return file
      file.writeFile = async () => {
        await file.write(bytes, 0, 10)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      }
      return file
    })
    expect(await lineOf(write())).toContain('the disk is full')
    expect(await lineOf(store.saveCheckpoint('pool', key, bytes, { step: 1 }))).toContain('the disk is full')
    expect([(await readdir(dir)).sort(), await readdir(join(dir, '.checkpoints')), await problemOf()]).toEqual([
      ['.checkpoints', 'tier-w192'],
      [],
      'whole',
    ])
  })

  it('a folder that vanishes after it was looked into is not made again', async () => {
    await mkdir(dir, { recursive: true })
    expect(await problemOf()).toBe('absent')
    await rm(dir, { recursive: true })
    expect(await lineOf(write())).toContain('the folder has vanished during the run; start again')
    expect(await readdir(root)).toEqual([])
  })

  it('a folder that vanishes is not made again', async () => {
    await write()
    await rm(dir, { recursive: true })
    expect(await lineOf(write())).toBe(`${at()}: the folder has vanished during the run; start again`)
    expect(await lineOf(store.saveCheckpoint('pool', key, bytes, { step: 1 }))).toContain(
      'the folder has vanished during the run; start again',
    )
    expect(await readdir(root)).toEqual([])
    expect(await problemOf()).toBe('absent')
  })

  it.skipIf(process.getuid?.() === 0)('no permission', async () => {
    await mkdir(dir)
    await chmod(dir, 0o500)
    expect(await lineOf(write())).toBe(`${at()}: there is no permission; change that of the folder, or name another`)
    await chmod(dir, 0o700)
  })

  it('a folder that is a file', async () => {
    await writeFile(dir, 'mine')
    expect(await lineOf(write())).toContain(`${at()}: `)
    expect(await readFile(dir, 'utf8')).toBe('mine')
    expect(await problemOf()).toBe('absent')
  })
})
