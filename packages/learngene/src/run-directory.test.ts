import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commitRunDirectory, discardRunDirectory, MARKER, prepareRunDirectory } from './run-directory.js'

vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original()
  return { ...actual, rename: vi.fn(actual.rename) }
})

let root: string
let dir: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'learngene-run-'))
  dir = join(root, 'runs', 'a')
})
afterEach(async () => {
  vi.mocked(rename).mockReset()
  await rm(root, { recursive: true })
})

async function makeRun(content: string, command = 'quickstart', options = {}) {
  const run = await prepareRunDirectory(dir, command, options)
  await writeFile(join(run.path, 'report.json'), content)
  return run
}

const content = () => readFile(join(dir, 'report.json'), 'utf8')
const beside = () => readdir(join(root, 'runs'))
/** A process id that was used and is free again. */
const deadPid = () => spawnSync(process.execPath, ['--version']).pid

describe('a run', () => {
  it('appears whole when it is committed, with a marker', async () => {
    const run = await makeRun('1')
    expect(await beside()).not.toContain('a')
    await commitRunDirectory(run)
    expect(await content()).toBe('1')
    expect(JSON.parse(await readFile(join(dir, MARKER), 'utf8'))).toEqual({
      command: 'quickstart',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      files: [MARKER, 'report.json'],
    })
    expect(await beside()).toEqual(['a'])
  })

  it('replaces one of the same command, but only at the end', async () => {
    await commitRunDirectory(await makeRun('1'))
    const run = await makeRun('2')
    expect(await content()).toBe('1')
    await commitRunDirectory(run)
    expect(await content()).toBe('2')
    expect(await beside()).toEqual(['a'])
  })

  it('leaves the old one when it is discarded', async () => {
    await commitRunDirectory(await makeRun('1'))
    await discardRunDirectory(await makeRun('2'))
    expect(await content()).toBe('1')
    expect(await beside()).toEqual(['a'])
  })

  it('that cannot take its name stays beside the old one, which is back', async () => {
    await commitRunDirectory(await makeRun('1'))
    const run = await makeRun('2')
    const actual = vi.mocked(rename).getMockImplementation()!
    vi.mocked(rename).mockImplementationOnce(actual).mockRejectedValueOnce(new Error('EPERM: operation not permitted'))
    await expect(commitRunDirectory(run)).rejects.toThrow(`EPERM: operation not permitted; what was to go there is in ${run.path}`)
    await discardRunDirectory(run)
    expect(await content()).toBe('1')
    expect(await readFile(join(run.path, 'report.json'), 'utf8')).toBe('2')
  })

  it('goes into an empty directory', async () => {
    await mkdir(dir, { recursive: true })
    await commitRunDirectory(await makeRun('1'))
    expect(await content()).toBe('1')
  })

  it('goes where a symbolic link points and keeps the link', async () => {
    await commitRunDirectory(await makeRun('1'))
    const link = join(root, 'link')
    await symlink(dir, link)
    const run = await prepareRunDirectory(link, 'quickstart')
    await writeFile(join(run.path, 'report.json'), '2')
    await commitRunDirectory(run)
    expect(await content()).toBe('2')
    expect(await readFile(join(link, 'report.json'), 'utf8')).toBe('2')
  })
})

describe('a directory that is not ours', () => {
  it.each([
    ["is not empty and no run of 'quickstart': it holds keep.txt", 'keep.txt', 'mine'],
    ["was made by 'study', not by 'quickstart'", MARKER, JSON.stringify({ command: 'study', version: '1.0.0', files: [MARKER] })],
    ["is not empty and no run of 'quickstart'", MARKER, '{'],
    ["is not empty and no run of 'quickstart'", MARKER, 'null'],
  ])('is refused: %s', async (message, file, text) => {
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, file), text)
    await expect(prepareRunDirectory(dir, 'quickstart')).rejects.toThrow(message)
    expect(await readFile(join(dir, file), 'utf8')).toBe(text)
    expect(await beside()).toEqual(['a'])
  })

  it('is refused where somebody has put a file of theirs into a run', async () => {
    await commitRunDirectory(await makeRun('1'))
    await writeFile(join(dir, 'mine.safetensors'), 'mine')
    await expect(prepareRunDirectory(dir, 'quickstart')).rejects.toThrow(`${dir} holds mine.safetensors besides what 'quickstart' wrote`)
    expect(await readdir(dir)).toEqual([MARKER, 'mine.safetensors', 'report.json'])
  })

  it('is replaced with force, at the end', async () => {
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'keep.txt'), 'mine')
    const run = await makeRun('1', 'quickstart', { force: true })
    expect(await readdir(dir)).toEqual(['keep.txt'])
    await commitRunDirectory(run)
    expect(await readdir(dir)).toEqual([MARKER, 'report.json'])
  })

  it('that came while the run was made is refused and the run stays', async () => {
    const run = await makeRun('1')
    await mkdir(dir)
    await writeFile(join(dir, 'keep.txt'), 'mine')
    await expect(commitRunDirectory(run)).rejects.toThrow(`what was to go there is in ${run.path}`)
    expect(await readdir(dir)).toEqual(['keep.txt'])
    await discardRunDirectory(run)
    expect(await readFile(join(run.path, 'report.json'), 'utf8')).toBe('1')
  })

  it('is refused, even with force, where it holds the working directory', async () => {
    await expect(prepareRunDirectory('.', 'quickstart', { force: true })).rejects.toThrow('the working directory is inside it')
    await expect(prepareRunDirectory('..', 'quickstart', { force: true })).rejects.toThrow('the working directory is inside it')
  })

  it('is refused where it is a file', async () => {
    await writeFile(join(root, 'file'), '')
    await expect(prepareRunDirectory(join(root, 'file'), 'quickstart', { force: true })).rejects.toThrow('is a file')
  })
})

describe('what a crash leaves', () => {
  const asDead = async (kind: string, of: string) => {
    const [name] = (await beside()).filter((entry) => entry.includes('learngene-new'))
    const dead = name!.replace('learngene-new', `learngene-${kind}`).replace(`~${process.pid}~`, `~${of}~`)
    await rename(join(root, 'runs', name!), join(root, 'runs', dead))
  }

  it('while the run was written is cleared by the next one, and the old run is still there', async () => {
    await commitRunDirectory(await makeRun('1'))
    await makeRun('2')
    await asDead('new', String(deadPid()))
    expect(await content()).toBe('1')
    await discardRunDirectory(await makeRun('3'))
    expect(await beside()).toEqual(['a'])
    expect(await content()).toBe('1')
  })

  it('between the two renames of the swap is restored by the next run', async () => {
    await commitRunDirectory(await makeRun('1'))
    const { path } = await makeRun('2')
    await rename(dir, path.replace('learngene-new', 'learngene-old').replace(`~${process.pid}~`, `~${deadPid()}~`))
    await asDead('new', String(deadPid()))
    await discardRunDirectory(await makeRun('3'))
    expect(await content()).toBe('1')
    expect(await beside()).toEqual(['a'])
  })

  it('is told from a run that is alive', async () => {
    await makeRun('1')
    await asDead('new', String(process.ppid))
    const run = await makeRun('2')
    expect(await beside()).toHaveLength(2)
    await commitRunDirectory(run)
    expect(await content()).toBe('2')
  })
})
