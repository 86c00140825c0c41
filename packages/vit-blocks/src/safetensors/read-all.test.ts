import { expect, it } from 'vitest'
import { encodeSafetensors } from './encode.js'
import { openSafetensors } from './open.js'
import { readAllFloat32 } from './read-all.js'
import { rawFile } from './testing/raw-file.js'

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
