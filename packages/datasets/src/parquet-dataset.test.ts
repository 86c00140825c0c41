import { gzipSync } from 'node:zlib'
import type { ByteSource } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { type Columns, encoded, parquetFile } from './parquet.fixture.js'
import { type ParquetDatasetOptions, parquetDataset } from './parquet-dataset.js'
import { decodeImage } from './preprocess/decode-image.js'

const structs = encoded.map(({ file }, i) => ({ bytes: file, path: `${i}.png` }))
const labels = [2, 0, 1, 1, 0]
const names = ['cat', 'dog', 'fox']

type FileOptions = Parameters<typeof parquetFile>[1]
const open = (columns: Columns, { file, ...options }: ParquetDatasetOptions & { readonly file?: FileOptions } = {}) =>
  parquetDataset([{ name: 'x.parquet', bytes: parquetFile(columns, file) }], { decode: decodeImage, ...options })

/** A source that notes which parts are read. */
function noting(bytes: Uint8Array): ByteSource & { readonly read: number[] } {
  const read: number[] = []
  return {
    byteLength: bytes.length,
    read,
    slice(start, end) {
      read.push(end - start)
      return bytes.subarray(start, end)
    },
  }
}

it('reads pictures, labels and the names of classes as Hugging Face stores them', async () => {
  const dataset = await open({ image: structs, label: labels.map(BigInt) }, { file: { names } })
  expect(dataset).toMatchObject({ name: 'x.parquet', length: 5, classes: names })
  expect(Array.from(dataset.labels)).toEqual(labels)
  for (const index of [4, 0, 2, 1, 3]) expect(await dataset.picture(index)).toEqual(encoded[index]!.image)
  expect(dataset.nameOf(3)).toBe('x.parquet, row 3')
  expect(() => dataset.nameOf(5)).toThrow('x.parquet: image indices are integers from 0 to 4, got 5')
})

it('reads columns of bytes, joins files and counts rows within each', async () => {
  const images = encoded.map(({ file }) => file)
  const part = (from: number, to: number) => parquetFile({ image: images.slice(from, to), label: labels.slice(from, to) }, { plain: true })
  const files = [
    { name: 'a.parquet', bytes: part(0, 3) },
    { name: 'b.parquet', bytes: noting(part(3, 5)) },
  ]
  const dataset = await parquetDataset(files, { name: 'both', decode: decodeImage })
  expect(dataset).toMatchObject({ name: 'both', length: 5, classes: ['0', '1', '2'] })
  expect(Array.from(dataset.labels)).toEqual(labels)
  expect(await Promise.all([4, 2, 3].map((i) => dataset.picture(i)))).toEqual([4, 2, 3].map((i) => encoded[i]!.image))
  expect(dataset.nameOf(4)).toBe('b.parquet, row 1')
})

it('reads other compressions than Snappy', async () => {
  const dataset = await open({ image: structs, label: labels }, { file: { gzip: gzipSync } })
  expect(Array.from(dataset.labels)).toEqual(labels)
  expect(await dataset.picture(1)).toEqual(encoded[1]!.image)
})

it('takes labels that are names, in natural order or as told', async () => {
  const columns = { image: structs, label: ['n10', 'n9', 'n9', 'a', 'n10'] }
  const dataset = await open(columns)
  expect([dataset.classes, Array.from(dataset.labels)]).toEqual([
    ['a', 'n9', 'n10'],
    [2, 1, 1, 0, 2],
  ])
  const told = await open(columns, { classes: ['n9', 'n10', 'a', 'b'] })
  expect([told.classes.length, Array.from(told.labels)]).toEqual([4, [1, 0, 0, 2, 1]])
  await expect(open(columns, { classes: ['n9', 'n10'] })).rejects.toThrow(
    'x.parquet, row 3: a label must be one of the classes, got "a"; give all classes: { classes }, or read pictures alone: { label: null }',
  )
})

it('reads pictures alone where there are no labels, or none are wanted', async () => {
  expect(await open({ image: structs })).toMatchObject({ length: 5, classes: [], labels: [] })
  expect(await open({ image: structs, label: [-1, -1, -1, -1, -1] }, { label: null, file: { names } })).toMatchObject({
    classes: [],
    labels: [],
  })
})

describe('reading', () => {
  const columns = { image: structs, label: labels }
  const read = async (bytes: Uint8Array, options: ParquetDatasetOptions, order: readonly number[]) => {
    const source = noting(bytes)
    const dataset = await parquetDataset([{ name: 'x', bytes: source }], { decode: decodeImage, ...options })
    source.read.length = 0
    const found = await Promise.all(order.map((index) => dataset.picture(index)))
    expect(found).toEqual(order.map((index) => encoded[index]!.image))
    const first = source.read.length
    await Promise.all(order.map((index) => dataset.picture(index)))
    return { first, second: source.read.length - first }
  }

  it('reads each row group once, and only those that are asked for, where all fit', async () => {
    const bytes = parquetFile(columns, { offsetIndex: false })
    expect(await read(bytes, {}, [0, 1, 2, 3, 4])).toEqual({ first: 3, second: 0 })
    expect(await read(bytes, {}, [3, 2])).toEqual({ first: 1, second: 0 })
  })

  it('keeps the last row groups where not all fit', async () => {
    const bytes = parquetFile(columns, { offsetIndex: false })
    expect((await read(bytes, { memoryLimit: 0 }, [0, 1, 2, 3, 4])).second).toBeGreaterThan(0)
    expect(await read(bytes, { memoryLimit: 0 }, [2, 3, 2])).toEqual({ first: 1, second: 0 })
  })

  it('reads rows by themselves where not all fit and the file has an offset index', async () => {
    const { second } = await read(parquetFile(columns), { memoryLimit: 0 }, [4, 0, 3])
    expect(second).toBeGreaterThan(0)
  })

  it('stops where the signal aborts', async () => {
    const dataset = await open(columns)
    await expect(dataset.picture(0, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

it('has a fingerprint of the files, the columns and the classes', async () => {
  const columns = { image: structs, label: labels }
  const print = async (given: Columns, options?: Parameters<typeof open>[1]) => (await open(given, options)).fingerprint()
  const prints = [
    await print(columns),
    await print({ ...columns, image: structs.toReversed() }),
    await print(columns, { classes: ['x', 'y', 'z'] }),
    await print(columns, { label: null }),
    await print(columns, { exifOrientation: false }),
  ]
  expect(new Set(prints).size).toBe(5)
  expect(await print(columns, { name: 'other' })).toBe(prints[0])
})

it('names the picture that cannot be decoded, and asks again where reading failed', async () => {
  const broken = [{ bytes: Uint8Array.of(1, 2, 3), path: 'a.png' }, { bytes: null, path: 'b.png' }, null]
  const dataset = await open({ image: [...broken, structs[0]], label: [0, 0, 0, 0] })
  await expect(dataset.picture(0)).rejects.toThrow('x.parquet, row 0: image of 3 bytes: cannot be decoded as an image')
  await expect(dataset.picture(1)).rejects.toThrow(
    'x.parquet, row 1: a picture must be stored as bytes, or as { bytes, path } with bytes, got a path alone',
  )
  await expect(dataset.picture(2)).rejects.toThrow('x.parquet, row 2: a picture must be stored as bytes')
  const file = noting(parquetFile({ image: structs, label: labels }))
  let isGone = false
  const source = { ...file, slice: (start: number, end: number) => (isGone ? Promise.reject(new Error('gone')) : file.slice(start, end)) }
  const flaky = await parquetDataset([{ name: 'x', bytes: source }], { decode: decodeImage })
  isGone = true
  await expect(flaky.picture(0)).rejects.toThrow('x, row 0: gone')
  isGone = false
  expect(await flaky.picture(0)).toEqual(encoded[0]!.image)
})

it.each<[string, () => Promise<unknown>, string]>([
  ['no file', () => parquetDataset([]), 'parquetDataset needs at least 1 file, got none'],
  ['another file', () => parquetDataset([{ name: 'a.png', bytes: encoded[0]!.file }]), 'a.png: cannot be read as a parquet file ('],
  ['an empty file', () => parquetDataset([{ name: 'e', bytes: new Uint8Array(0) }]), 'e: cannot be read as a parquet file ('],
  [
    'a file that is cut short',
    () => parquetDataset([{ name: 'c', bytes: parquetFile({ image: structs }).subarray(0, -9) }]),
    'c: cannot be read as a parquet file (',
  ],
  [
    'a column that is not there',
    () => open({ image: structs, label: labels }, { image: 'img' }),
    "x.parquet: there must be a column 'img', found image, label; name it: { image: COLUMN, label: COLUMN }",
  ],
  [
    'a label that is not there',
    () => open({ image: structs }, { label: 'fine_label' }),
    "there must be a column 'fine_label', found image",
  ],
  ['no rows', () => open({ image: [] }), 'x.parquet: a dataset needs at least 1 row, got none'],
  [
    'a label that is too high',
    () => open({ image: structs, label: [0, 1, 2, 3, 0] }, { file: { names } }),
    'x.parquet, row 3: a label must be an integer from 0 to 2, got 3',
  ],
  ['a label below 0', () => open({ image: structs, label: [0, -1, 2, 1, 0] }), 'row 1: a label must be an integer from 0 to 2, got -1'],
  ['no label', () => open({ image: structs, label: [0, null, 2, 1, 0] }), 'row 1: a label must be an integer from 0 to 2, got null'],
  [
    'a limit that is none',
    () => open({ image: structs }, { memoryLimit: -1 }),
    'memoryLimit must be a number of bytes of at least 0, got -1',
  ],
])('refuses %s', async (_, opening, message) => {
  await expect(opening()).rejects.toThrow(message)
})
