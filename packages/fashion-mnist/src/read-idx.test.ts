import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readValues } from './read-idx.js'

const plain = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6)
const read = (bytes: Uint8Array) => readValues(bytes, [2, 3], 'x.gz')

describe('readValues', () => {
  it('reads a packed file and one that the server unpacked on the way', async () => {
    expect([...(await read(gzipSync(plain)))]).toEqual([1, 2, 3, 4, 5, 6])
    expect([...(await read(plain))]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it.each([
    ['is cut short', plain.subarray(0, 17), 'uint8 2 x 3 in 18 bytes, got 17 bytes'],
    ['is too long', Uint8Array.of(...plain, 7), 'got 19 bytes'],
    ['has another shape', plain.with(7, 3).with(11, 2), 'must be an IDX file of uint8 2 x 3'],
    ['is empty', new Uint8Array(0), 'got 0 bytes'],
    ['is cut gzip', gzipSync(plain).subarray(0, 20), 'x.gz is damaged'],
  ])('refuses a file that %s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message)
  })
})
