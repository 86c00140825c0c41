import { describe, expect, it } from 'vitest'
import { encodeSafetensors } from './encode.js'
import type { TensorEntry } from './header.js'
import { checkTensors, type ExpectedShapes, openSafetensors, readAllFloat32 } from './read.js'
import { rawFile } from './testing/raw-file.js'

describe('openSafetensors', () => {
  const file = rawFile(
    {
      odd: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
      half: { dtype: 'F16', shape: [2, 1], data_offsets: [3, 7] },
      single: { dtype: 'F32', shape: [], data_offsets: [7, 11] },
      double: { dtype: 'F64', shape: [1], data_offsets: [11, 19] },
      long: { dtype: 'I64', shape: [1], data_offsets: [19, 27] },
      empty: { dtype: 'BF16', shape: [0, 5], data_offsets: [27, 27] },
      flag: { dtype: 'BOOL', shape: [1], data_offsets: [27, 28] },
      int: { dtype: 'I32', shape: [1], data_offsets: [28, 32] },
    },
    32,
  )

  const view = new DataView(file.buffer, file.length - 32)

  const half = (code: number) => (1 + (code & 1023) / 1024) * 2 ** ((code >> 10) - 15)

  it('reads each dtype at unaligned positions', async () => {
    const { read } = await openSafetensors(file, { name: 'x' })
    expect(await read('odd')).toEqual({ dtype: 'U8', shape: [3], data: Uint8Array.of(0, 1, 2) })
    // The bytes 3, 4, 5, 6 are the codes 0x0403 and 0x0605.
    expect(await read('half')).toEqual({ dtype: 'F16', shape: [2, 1], data: Float32Array.of(half(0x0403), half(0x0605)) })
    expect(await read('single')).toEqual({ dtype: 'F32', shape: [], data: Float32Array.of(view.getFloat32(7, true)) })
    expect(await read('double')).toEqual({ dtype: 'F64', shape: [1], data: Float64Array.of(view.getFloat64(11, true)) })
    expect(await read('long')).toEqual({ dtype: 'I64', shape: [1], data: BigInt64Array.of(view.getBigInt64(19, true)) })
    expect(await read('empty')).toEqual({ dtype: 'BF16', shape: [0, 5], data: new Float32Array() })
    expect(await read('flag')).toEqual({ dtype: 'BOOL', shape: [1], data: Uint8Array.of(27) })
    expect(await read('int')).toEqual({ dtype: 'I32', shape: [1], data: Int32Array.of(view.getInt32(28, true)) })
  })

  it('reads the header at once and a tensor only when asked for', async () => {
    const reads: [number, number][] = []
    const slice = (start: number, end: number) => {
      reads.push([start, end])
      return file.subarray(start, end)
    }
    const dataStart = file.length - 32
    const opened = await openSafetensors({ byteLength: file.length, slice }, { name: 'x' })
    expect(reads).toEqual([
      [0, 8],
      [8, dataStart],
    ])
    await opened.read('half')
    expect(reads.slice(2)).toEqual([[dataStart + 3, dataStart + 7]])
  })

  it('hands out memory of its own', async () => {
    const bytes = file.slice()
    const opened = await openSafetensors(bytes, { name: 'x' })
    const first = await opened.readFloat32('single')
    first.fill(5)
    expect(await opened.readFloat32('single')).toEqual(Float32Array.of(view.getFloat32(7, true)))
  })

  it('reads floating-point tensors as Float32Array, rounding F64', async () => {
    const { readFloat32 } = await openSafetensors(file, { name: 'x' })
    expect(await readFloat32('half')).toEqual(Float32Array.of(half(0x0403), half(0x0605)))
    const double = rawFile({ d: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } }, 8)
    new DataView(double.buffer).setFloat64(double.length - 8, 0.1, true)
    expect(await (await openSafetensors(double, { name: 'x' })).readFloat32('d')).toEqual(Float32Array.of(Math.fround(0.1)))
  })

  it.each(['odd', 'long', 'int', 'flag'])('does not read the integers of %s as floats', async (tensor) => {
    const opened = await openSafetensors(file, { name: 'x' })
    const { dtype } = opened.tensors.get(tensor)!
    await expect(opened.readFloat32(tensor)).rejects.toThrow(
      `x: tensor "${tensor}": dtype must be F32, F16, BF16 or F64 to be read as floats, found ${dtype}`,
    )
  })

  it('says which tensors there are when asked for another', async () => {
    const opened = await openSafetensors(file, { name: 'x' })
    await expect(opened.read('none')).rejects.toThrow('x: tensor "none" is not in the file, which has "odd", "half", "single" and 5 more')
    await expect((await openSafetensors(rawFile('{}'), { name: 'x' })).readFloat32('none')).rejects.toThrow('which has no tensors')
  })

  it('notices a source that hands out too few bytes', async () => {
    const slice = (start: number, end: number) => file.subarray(start, start > 8 ? end - 1 : end)
    const opened = await openSafetensors({ byteLength: file.length, slice }, { name: 'x' })
    await expect(opened.read('half')).rejects.toThrow('must give 4 bytes, got 3')
  })
})

describe('readAllFloat32', () => {
  const tensors = [
    { name: 'b', shape: [2], data: Float32Array.of(1, 2) },
    { name: 'a', shape: [1, 1], data: Float32Array.of(-3) },
  ]

  const open = (bytes: Uint8Array) => openSafetensors(bytes, { name: 'x' })

  it('reads all tensors in the expected order', async () => {
    const file = await open(encodeSafetensors(tensors))
    expect([...(await readAllFloat32(file, { a: [1, 1], b: [2] }))]).toEqual([
      ['a', { shape: [1, 1], data: Float32Array.of(-3) }],
      ['b', { shape: [2], data: Float32Array.of(1, 2) }],
    ])
  })

  it('refuses what checkTensors refuses, before it reads any data', async () => {
    const file = await open(encodeSafetensors(tensors))
    const unread = { ...file, readFloat32: () => expect.fail('read a tensor') }
    await expect(readAllFloat32(unread, { a: [1, 1], b: [3] })).rejects.toThrow('1 of another shape: "b" (expected [3], found [2])')
    await expect(readAllFloat32(unread, { b: [2] })).rejects.toThrow('1 not expected: "a" [1, 1]')
  })

  it('leaves out extra tensors where they are allowed', async () => {
    const file = await open(encodeSafetensors(tensors))
    expect([...(await readAllFloat32(file, { b: [2] }, { allowExtra: true })).keys()]).toEqual(['b'])
  })

  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('refuses %s', async (value, text) => {
    const bytes = encodeSafetensors(tensors)
    new DataView(bytes.buffer).setFloat32(bytes.length - 8, value, true)
    await expect(readAllFloat32(await open(bytes), { a: [1, 1], b: [2] })).rejects.toThrow(
      `x: tensor "b": every value must be finite, found ${text} at index 1`,
    )
  })

  it('refuses integers', async () => {
    const file = await open(rawFile({ n: { dtype: 'I32', shape: [1], data_offsets: [0, 4] } }, 4))
    await expect(readAllFloat32(file, { n: [1] })).rejects.toThrow('x: tensor "n": dtype must be F32, F16, BF16 or F64')
  })
})

describe('checkTensors', () => {
  const fileOf = (shapes: ExpectedShapes) => ({
    name: 'x',
    tensors: new Map(
      Object.entries(shapes).map(([name, shape]): [string, TensorEntry] => [name, { dtype: 'F32', shape, begin: 0, end: 0 }]),
    ),
  })

  it('accepts exactly the expected tensors, in any order', () => {
    checkTensors(fileOf({ a: [2, 3], b: [] }), { b: [], a: [2, 3] })
  })

  it('reports everything that is wrong in one line', () => {
    expect(() => checkTensors(fileOf({ a: [2, 3], b: [], extra: [7] }), { a: [3, 2], b: [], c: [4], d: [1] })).toThrow(
      'x: the tensors must be the 4 that the model has: 2 missing: "c" [4], "d" [1]; 1 of another shape: "a" (expected [3, 2], found [2, 3]); 1 not expected: "extra" [7]; does the file belong to this model?',
    )
  })

  it('names the first of many and counts the rest', () => {
    const expected = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`block.${i}`, [i]]))
    expect(() => checkTensors(fileOf({}), expected)).toThrow('100 missing: "block.0" [0], "block.1" [1], "block.2" [2] and 97 more;')
  })

  it('lets extra tensors pass only where that is asked for', () => {
    const file = fileOf({ a: [1], toString: [2] })
    expect(() => checkTensors(file, { a: [1] })).toThrow('1 not expected: "toString" [2]')
    checkTensors(file, { a: [1] }, { allowExtra: true })
    expect(() => checkTensors(file, { a: [2] }, { allowExtra: true })).toThrow('1 of another shape')
  })
})
