import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { writeFileAtomically } from './write-file.js'

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
  await expect(writeFileAtomically(path, 'new and longer')).rejects.toThrow(
    `${path}: cannot be written: ENOSPC: no space left on device, write`,
  )
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
