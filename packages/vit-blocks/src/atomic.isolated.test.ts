import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commitFolder, discardFolder, makeFolder, replaceFolder, stageFolder, writeFileAtomically } from './atomic.js'

describe('writeFileAtomically', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'write-file-'))
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    await rm(folder, { recursive: true })
  })

  it('writes a new file and replaces an old one', async () => {
    const path = join(folder, 'file')
    await writeFileAtomically(path, 'a longer first version')
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3))
    expect([...(await readFile(path))]).toEqual([1, 2, 3])
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('leaves the old file and nothing else when the disk fills up half way', async () => {
    const path = join(folder, 'file')
    await writeFile(path, 'old')
    const some = await open(path)
    const handle = Object.getPrototypeOf(some)
    await some.close()
    const write = handle.writeFile
    vi.spyOn(handle, 'writeFile').mockImplementation(async function (this: unknown, ...args: unknown[]) {
      await write.call(this, (args[0] as string).slice(0, 2))
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    })
    await expect(writeFileAtomically(path, 'new and longer')).rejects.toThrow(`${path}: cannot be written: the disk is full`)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('names the path when there is no such folder', async () => {
    const path = join(folder, 'missing', 'file')
    await expect(writeFileAtomically(path, '')).rejects.toThrow(`${path}: cannot be written: there is no folder ${join(folder, 'missing')}`)
  })

  it('does not replace a folder', async () => {
    const path = join(folder, 'sub')
    await mkdir(path)
    await expect(writeFileAtomically(path, 'text')).rejects.toThrow(`${path}: cannot be written: it is a folder`)
    expect(await readdir(folder)).toEqual(['sub'])
  })
})

describe('replaceFolder', () => {
  vi.mock(import('node:fs/promises'), async (original) => {
    const actual = await original()
    return { ...actual, rename: vi.fn(actual.rename) }
  })

  let root: string

  let dir: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'replace-folder-'))
    dir = join(root, 'inside', 'it')
  })

  afterEach(async () => {
    vi.mocked(rename).mockReset()
    await rm(root, { recursive: true })
  })

  const write = (text: string) => (path: string) => writeFile(join(path, 'file'), text)

  const written = () => readFile(join(dir, 'file'), 'utf8')

  const beside = () => readdir(join(root, 'inside'))

  /** The next rename into `dir` fails, as where a file in it is open under Windows or the file system refuses. */
  const failNextRenameInto = (target: string) => {
    const actual = vi.mocked(rename).getMockImplementation()!
    let failed = false
    vi.mocked(rename).mockImplementation(async (from, to) => {
      if (to !== target || failed) return actual(from, to)
      failed = true
      throw Object.assign(new Error(`EPERM: operation not permitted, rename '${from}' -> '${to}'`), { code: 'EPERM' })
    })
  }

  /** A process id that was used and is free again. */
  const deadPid = () => spawnSync(process.execPath, ['--version']).pid!

  it('makes a folder and its parents, and replaces it', async () => {
    await replaceFolder(dir, write('first'))
    expect(await written()).toBe('first')
    await replaceFolder(dir, async (path) => {
      await write('second')(path)
      expect(await written()).toBe('first')
    })
    expect(await written()).toBe('second')
    expect(await beside()).toEqual(['it'])
  })

  it('leaves the earlier one, and nothing else, where the new one fails', async () => {
    await replaceFolder(dir, write('first'))
    const failing = replaceFolder(dir, async (path) => {
      await write('half')(path)
      throw new Error('no space')
    })
    await expect(failing).rejects.toThrow('no space')
    expect(await written()).toBe('first')
    expect(await beside()).toEqual(['it'])
  })

  it('is named where a folder above it is a file', async () => {
    const file = join(root, 'file')
    await writeFile(file, '')
    await expect(stageFolder(join(file, 'it', 'inner'))).rejects.toThrow(
      `${join(file, 'it')}: the folder cannot be made: a part of the path is a file`,
    )
    await expect(makeFolder(file)).rejects.toThrow(`${file}: the folder cannot be made: it is a file; name another`)
    await rm(file)
  })

  it('is named where the file system refuses one of its files', async () => {
    const failing = replaceFolder(dir, async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    })
    await expect(failing).rejects.toThrow(`${dir}: cannot be written: the disk is full`)
    await expect(failing).rejects.toMatchObject({ cause: { code: 'ENOSPC' } })
  })

  it('puts the earlier one back where the new one cannot take its name', async () => {
    await replaceFolder(dir, write('first'))
    failNextRenameInto(dir)
    await expect(replaceFolder(dir, write('second'))).rejects.toThrow(/^\S+inside\/it cannot be replaced: EPERM: [^\n]+$/)
    expect(await written()).toBe('first')
    expect(await beside()).toEqual(['it'])
  })

  it('keeps a staged folder that could not be put in its place until it is discarded', async () => {
    const staged = await stageFolder(dir)
    await write('first')(staged.path)
    failNextRenameInto(dir)
    await expect(commitFolder(staged)).rejects.toThrow('EPERM')
    await discardFolder(await stageFolder(dir))
    expect(await readFile(join(staged.path, 'file'), 'utf8')).toBe('first')
    await discardFolder(staged)
    expect(await beside()).toEqual([])
  })

  it('goes where a symbolic link points and keeps the link', async () => {
    await replaceFolder(dir, write('first'))
    const link = join(root, 'link')
    await symlink(dir, link)
    await replaceFolder(link, write('second'))
    expect(await written()).toBe('second')
    expect(await readFile(join(link, 'file'), 'utf8')).toBe('second')
  })

  it('does not replace a file', async () => {
    await mkdir(join(root, 'inside'))
    await writeFile(dir, 'mine')
    await expect(replaceFolder(dir, () => expect.fail('written'))).rejects.toThrow(`${dir} is a file; name a folder`)
    expect(await readFile(dir, 'utf8')).toBe('mine')
    expect(await beside()).toEqual(['it'])
  })

  describe('what a killed process leaves', () => {
    const asIfFrom = (path: string, pid: number) => path.replace(`~${process.pid}~`, `~${pid}~`)

    it('is removed where its process is dead, and not where it lives or the name is of somebody else', async () => {
      const { path } = await stageFolder(dir)
      await discardFolder({ path, dir })
      const left = [deadPid(), process.ppid].map((pid) => asIfFrom(path, pid))
      const others = ['.it.learngene-notes', '.it2.learngene-new~x~1~00000000'].map((name) => join(root, 'inside', name))
      for (const folder of [...left, ...others]) await mkdir(folder)
      await replaceFolder(dir, write('first'))
      const names = [left[1]!, ...others, dir].map((folder) => folder.slice(join(root, 'inside').length + 1))
      expect((await beside()).sort()).toEqual(names.sort())
    })

    it('goes back to its place where it was the folder about to be replaced', async () => {
      await replaceFolder(dir, write('first'))
      const { path } = await stageFolder(dir)
      await discardFolder({ path, dir })
      await rename(dir, asIfFrom(path, deadPid()).replace('learngene-new', 'learngene-old'))
      const failing = replaceFolder(dir, async () => {
        throw new Error('no space')
      })
      await expect(failing).rejects.toThrow('no space')
      expect(await written()).toBe('first')
      expect(await beside()).toEqual(['it'])
    })
  })
})
