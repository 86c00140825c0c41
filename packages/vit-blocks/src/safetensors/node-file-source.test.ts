import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encodeSafetensors, openSafetensors, SafetensorsError } from './index.js'
import { fileSource } from './node-file-source.js'

let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safetensors-'))
  path = join(directory, 'file')
  await writeFile(path, Uint8Array.of(10, 11, 12, 13, 14))
})

afterEach(() => rm(directory, { recursive: true }))

it('reads slices', async () => {
  const source = await fileSource(path)
  expect(source.byteLength).toBe(5)
  expect(await source.slice(1, 3)).toEqual(Uint8Array.of(11, 12))
  expect(await source.slice(5, 5)).toEqual(Uint8Array.of())
  expect(await source.slice(3, 9)).toEqual(Uint8Array.of(13, 14))
})

it('serves as the source of a safetensors file', async () => {
  await writeFile(path, encodeSafetensors([{ name: 'w', shape: [2], data: Float32Array.of(1, -1) }]))
  const file = await openSafetensors(await fileSource(path), { name: path })
  expect(await file.readFloat32('w')).toEqual(Float32Array.of(1, -1))
})

it('says which file is not there or is no file', async () => {
  const error = await fileSource(join(directory, 'none')).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect((error as Error).message).toBe(`${directory}/none: cannot be opened: no such file`)
  await expect(fileSource(directory)).rejects.toThrow(`${directory}: must be a regular file`)
})

it('notices that the file grew, was rewritten or was replaced', async () => {
  const grown = await fileSource(path)
  await appendFile(path, 'more')
  await expect(grown.slice(0, 1)).rejects.toThrow('was changed; open it again')

  const rewritten = await fileSource(path)
  await utimes(path, 1, 1)
  await expect(rewritten.slice(0, 1)).rejects.toThrow('was changed; open it again')

  const replaced = await fileSource(path)
  await writeFile(join(directory, 'other'), 'x'.repeat(replaced.byteLength))
  await utimes(join(directory, 'other'), 1, 1)
  await rename(join(directory, 'other'), path)
  await expect(replaced.slice(0, 1)).rejects.toThrow('was changed; open it again')

  const removed = await fileSource(path)
  await rm(path)
  await expect(removed.slice(0, 1)).rejects.toThrow('no such file')
})
