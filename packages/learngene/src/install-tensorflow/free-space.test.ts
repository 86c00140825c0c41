import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { assertFreeSpace, megabytes } from './free-space.js'

it('compares what is needed with what is free', async () => {
  await assertFreeSpace(tmpdir(), 1)
  await expect(assertFreeSpace(tmpdir(), 1e18)).rejects.toThrow(
    /^TensorFlow needs 1000000000000 MB of disk space in .+, and \d+ MB are free; make room/,
  )
  expect(megabytes(874_400_000)).toBe('874 MB')
})
