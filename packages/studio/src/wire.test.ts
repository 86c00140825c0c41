import { encodeSafetensors, openSafetensors } from '@learngene/vit-blocks'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packTensors, unpackTensors } from './wire'

const tensors = [
  { name: 'a.weight', shape: [2, 3], data: Float32Array.of(1, -2, 3, 0.1, 0.2, -0.3) },
  { name: 'a.bias', shape: [3], data: Float32Array.of(0.5, -1 / 3, 0) },
  { name: 'positions', shape: [1, 2, 2], data: Float32Array.of(4, 1, 0, 0) },
]

it('gives float16 values as safetensors of F16 does, bit by bit', async () => {
  const values = fc.array(fc.float({ min: -65504, max: 65504, noNaN: true }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      const data = Float32Array.from(given)
      const tensor = { name: 'w', shape: [data.length], data }
      const file = await openSafetensors(encodeSafetensors([tensor], { dtype: 'F16' }), { name: 'x' })
      const expected = await file.readFloat32('w')
      const [found] = unpackTensors(packTensors([tensor], 'float16'), 'x')
      expect([...found!.data].map((value) => value + 0)).toEqual([...expected].map((value) => value + 0))
    }),
    { seed: 1, numRuns: 300 },
  )
})

it('keeps names, shapes and, as int8, each row within half a step of its largest value', () => {
  const found = unpackTensors(packTensors(tensors, 'int8'), 'x')
  expect(found.map(({ name, shape }) => ({ name, shape }))).toEqual(tensors.map(({ name, shape }) => ({ name, shape })))
  expect(Math.abs(found[0]!.data[0]! - 1)).toBeLessThanOrEqual(3 / 254)
  expect(Math.abs(found[0]!.data[4]! - 0.2)).toBeLessThanOrEqual(0.3 / 254)
  // A row of zeros has the scale 0.
  expect([...found[2]!.data.subarray(2)]).toEqual([0, 0])
})

it('takes a quarter of the bytes of float32 as int8', () => {
  const size = 64 * 64
  const packed = packTensors([{ name: 'w', shape: [64, 64], data: new Float32Array(size).fill(1) }], 'int8')
  expect(packed.length).toBeLessThan(size + 4 * 64 + 100)
})

it.each<[string, () => unknown, string]>([
  ['another file', () => unpackTensors(new Uint8Array(40), 'tier.bin'), 'tier.bin must be weights that the studio packed'],
  ['one that is cut off', () => unpackTensors(packTensors(tensors, 'int8').subarray(0, -4), 'tier.bin'), 'the download was cut off'],
  ['a damaged header', () => unpackTensors(damaged(), 'tier.bin'), 'it is damaged'],
  ['NaN', () => packTensors([{ name: 'w', shape: [1], data: Float32Array.of(Number.NaN) }], 'int8'), "'w' has one that is not"],
  ['too large values', () => packTensors([{ name: 'w', shape: [1], data: Float32Array.of(7e4) }], 'float16'), "'w' has 70000"],
])('refuses %s', (_, action, message) => {
  expect(action).toThrow(message)
})

function damaged(): Uint8Array {
  const bytes = packTensors(tensors, 'float16')
  bytes[9] = 0
  return bytes
}
