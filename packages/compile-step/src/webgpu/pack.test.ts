import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupByContent, pack } from './pack.js'

const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 60 })

test('every content is found where it was put, aligned and within one block', () => {
  fc.assert(
    fc.property(contents, (list) => {
      const { blocks, places } = pack(list, 128, 16)
      for (const content of list) {
        const { block, offset } = places.get(content)!
        expect(offset % 16).toBe(0)
        expect([...blocks[block]!.subarray(offset, offset + content.length)]).toEqual([...content])
      }
      for (const block of blocks) {
        expect(block.length).toBeLessThanOrEqual(128)
        expect(block.length % 4).toBe(0)
      }
    }),
  )
})

test('equal contents are stored once', () => {
  const twice = [Uint8Array.of(1, 2), Uint8Array.of(1, 2), Uint8Array.of(1, 3)]
  const { places } = pack(twice, 256, 256)
  expect(places.get(twice[0]!)).toEqual(places.get(twice[1]!))
  expect(places.get(twice[0]!)).not.toEqual(places.get(twice[2]!))
  expect(groupByContent(twice).size).toBe(2)
})

test('contents that differ behind the hashed part are told apart', () => {
  const [a, b] = [new Uint8Array(5000), new Uint8Array(5000)]
  b[4999] = 1
  expect(groupByContent([a, b]).size).toBe(2)
})
