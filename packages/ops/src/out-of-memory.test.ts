import { expect, test } from 'vitest'
import { nameBatch, OutOfMemoryError } from './out-of-memory.js'

const full = new OutOfMemoryError({ bytes: 155e6, heldBytes: 7.9e9 })

test('names bytes', () => {
  expect(full.message).toBe('the GPU is out of memory: 155 MB more do not fit beside 7900 MB in use; take a smaller batch')
})

test('names the batch at hand and one that would fit', () => {
  expect((nameBatch(full, 64) as Error).message).toBe(
    'the GPU is out of memory: 155 MB more do not fit beside 7900 MB in use; the batch is 64 images: a batch of 32 would fit',
  )
  const late = new OutOfMemoryError({ bytes: 4e9, heldBytes: 4e9 })
  expect((nameBatch(late, 64) as Error).message).toContain('a batch of 24 would fit')
  expect((nameBatch(late, 64, 3e9) as Error).message).toContain('a batch of 9 would fit')
})

test.each([
  [1, 0],
  [64, 8e9],
])('says where none would: batch %d, %d bytes fixed', (batch, fixed) => {
  expect((nameBatch(full, batch, fixed) as Error).message).toContain('no batch fits, take a smaller model')
})

test('leaves other errors alone', () => {
  const other = new Error('other')
  expect(nameBatch(other, 4)).toBe(other)
  expect(nameBatch('text', 4)).toBe('text')
})
