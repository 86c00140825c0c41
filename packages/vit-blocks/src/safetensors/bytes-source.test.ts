import { expect, it } from 'vitest'
import { bytesSource, readExactly } from './bytes-source.js'

const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5)

it('reads slices of a view', async () => {
  const source = bytesSource(bytes.subarray(1, 5))
  expect(source.byteLength).toBe(4)
  expect(await readExactly(source, 1, 3, 'x')).toEqual(Uint8Array.of(2, 3))
  expect(await readExactly(source, 4, 4, 'x')).toEqual(Uint8Array.of())
})

it('does not accept fewer bytes than asked for', async () => {
  await expect(readExactly(bytesSource(bytes), 4, 9, 'x')).rejects.toThrow('x: reading bytes 4 to 9 must give 5 bytes, got 2')
})
