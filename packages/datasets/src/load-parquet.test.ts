import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadParquet } from './load-parquet.js'
import { encoded, parquetFile } from './parquet.fixture.js'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'parquet-'))
})
afterEach(() => rm(dir, { recursive: true }))

const part = (from: number, to: number) =>
  parquetFile({ image: encoded.slice(from, to).map(({ file }) => ({ bytes: file, path: null })), label: new Array(to - from).fill(from) })

it('reads files and folders, and decodes with sharp', async () => {
  await writeFile(join(dir, 'train-10.parquet'), part(2, 5))
  await writeFile(join(dir, 'train-9.parquet'), part(0, 2))
  await writeFile(join(dir, 'readme.md'), '')
  const dataset = await loadParquet(dir)
  expect(Array.from(dataset.labels)).toEqual([0, 0, 2, 2, 2])
  expect(await Promise.all([1, 4].map((i) => dataset.picture(i)))).toEqual([encoded[1]!.image, encoded[4]!.image])
  expect(dataset.nameOf(4)).toBe(`${join(dir, 'train-10.parquet')}, row 2`)
  const one = await loadParquet([join(dir, 'train-10.parquet')], { label: null })
  expect(one).toMatchObject({ length: 3, classes: [] })
})

it('names the file or folder that cannot be read', async () => {
  await expect(loadParquet(join(dir, 'none'))).rejects.toThrow(`${join(dir, 'none')}: cannot be read (ENOENT)`)
  await expect(loadParquet(dir)).rejects.toThrow(`${dir}: there must be at least 1 .parquet file, found none`)
  await mkdir(join(dir, 'sub'))
  const path = join(dir, 'sub', 'a.parquet')
  await writeFile(path, part(0, 5))
  const dataset = await loadParquet(path)
  await truncate(path, 10)
  await expect(dataset.picture(0)).rejects.toThrow(`${path}, row 0: ${path}: has become shorter than it was`)
  await rm(path)
  await expect(dataset.picture(0)).rejects.toThrow(`${path}: cannot be read (ENOENT)`)
})
