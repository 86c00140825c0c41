import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idxBytes } from './idx.fixture.js'
import { readIdx } from './idx.js'

const name = 'folder/some-file'
const small = idxBytes([2, 3], [1, 2, 3, 4, 5, 6])

/** What readIdx makes of the bytes, after checking that a refusal is one line that begins with the name. */
const outcome = async (bytes: Uint8Array) => {
  try {
    return await readIdx(bytes, { name })
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toMatch(/^folder\/some-file: \S.*$/)
    return undefined
  }
}

describe('readIdx', () => {
  it('reads plain bytes and gzip', async () => {
    const expected = { shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) }
    expect(await readIdx(small)).toEqual(expected)
    expect(await readIdx(gzipSync(small))).toEqual({ shape: [2, 3], data: expected.data })
  })

  it('reads from the middle of a buffer', async () => {
    const padded = Uint8Array.of(9, 9, 9, ...small, 9)
    expect([...(await readIdx(padded.subarray(3, 3 + small.length))).data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('gives back what was written, whatever the shape', async () => {
    const arrays = fc
      .array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 })
      .chain((shape) => fc.tuple(fc.constant(shape), fc.infiniteStream(fc.nat(255)), fc.boolean()))
    await fc.assert(
      fc.asyncProperty(arrays, async ([shape, values, packed]) => {
        const data = [...values.take(shape.reduce((product, size) => product * size, 1))]
        const bytes = idxBytes(shape, data)
        const read = await readIdx(packed ? gzipSync(bytes) : bytes)
        expect(read.shape).toEqual(shape)
        expect([...read.data]).toEqual(data)
      }),
      { numRuns: 50, seed: 1 },
    )
  })

  it.each([
    ['is empty', new Uint8Array(0), 'got an empty file'],
    ['is shorter than a magic number', Uint8Array.of(0, 0, 8), 'got 00 00 08'],
    ['is another format', new TextEncoder().encode('<!DOCTYPE html>'), 'starts with bytes 00 00, type, rank; got 3c 21 44 4f'],
    ['holds float32', small.with(2, 13), 'only IDX files of uint8 (type 0x08) are read, got type 0x0d (float32)'],
    ['holds an unknown type', small.with(2, 0x2a), 'got type 0x2a (unknown)'],
    ['has no dimension', Uint8Array.of(0, 0, 8, 0, 1), 'has 1 to 4 dimensions, got rank 0'],
    ['has absurdly many dimensions', new Uint8Array(2000).with(2, 8).with(3, 255), 'has 1 to 4 dimensions, got rank 255'],
    ['ends in its header', small.subarray(0, 9), 'an IDX header of rank 2 takes 12 bytes, got 9'],
    ['is cut short', small.subarray(0, 15), 'shape 2 x 3 needs 6 values, got 3; the file is cut short'],
    ['is too long', Uint8Array.of(...small, 7), 'shape 2 x 3 needs 6 values, got 7; the file is too long'],
    ['has absurd dimensions', small.slice().fill(255, 4, 12), 'shape 4294967295 x 4294967295 needs'],
    ['is cut gzip', gzipSync(idxBytes([2, 3], [1, 2, 3, 4, 5, 6])).subarray(0, 20), 'gzip data is damaged or cut short'],
  ])('refuses a file that %s', async (_, bytes, message) => {
    await expect(readIdx(bytes, { name })).rejects.toThrow(`${name}: `)
    await expect(readIdx(bytes, { name })).rejects.toThrow(message)
  })

  it('refuses every truncation, plain and gzipped', async () => {
    const bytes = idxBytes(
      [3, 4],
      Array.from({ length: 12 }, (_, i) => i),
    )
    const packed = gzipSync(bytes)
    for (let length = 0; length < bytes.length; length++) expect(await outcome(bytes.subarray(0, length))).toBeUndefined()
    for (let length = 0; length < packed.length; length++) expect(await outcome(packed.subarray(0, length))).toBeUndefined()
  })

  it('refuses damaged headers and gzip data, or reads an array that fits its shape', async () => {
    const bytes = idxBytes(
      [3, 4],
      Array.from({ length: 12 }, (_, i) => i),
    )
    const packed = gzipSync(bytes)
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(bytes.length - 1), fc.nat(255), fc.nat(8), async (gzipped, position, value, extra) => {
        const damaged = Uint8Array.of(...(gzipped ? packed : bytes).with(position, value), ...new Uint8Array(extra))
        const read = await outcome(damaged)
        if (read) expect(read.data.length).toBe(read.shape.reduce((product, size) => product * size, 1))
      }),
      { numRuns: 300, seed: 2 },
    )
  })

  it('refuses random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const read = await outcome(bytes)
        if (read) expect(read.data.length).toBe(read.shape.reduce((product, size) => product * size, 1))
      }),
      { numRuns: 300, seed: 3 },
    )
  })
})
