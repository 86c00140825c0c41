import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeSafetensors, type FloatDtype } from './encode.js'
import { SafetensorsError } from './errors.js'
import { openSafetensors } from './read.js'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const headerLength = (file: Uint8Array) => Number(new DataView(file.buffer).getBigUint64(0, true))

it('writes length, header and data in the order given', () => {
  const file = encodeSafetensors(
    [
      { name: 'w', shape: [1, 2], data: Float32Array.of(1, -2) },
      { name: '0', shape: [], data: Float32Array.of(0.5) },
    ],
    { dtype: 'F16', metadata: { made: 'here' } },
  )
  const json =
    '{"__metadata__":{"made":"here"},"w":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"0":{"dtype":"F16","shape":[],"data_offsets":[4,6]}}'
  expect(headerLength(file) % 8).toBe(0)
  expect(headerLength(file) - json.length).toBeLessThan(8)
  expect(text(file.subarray(8, 8 + headerLength(file)))).toBe(json.padEnd(headerLength(file), ' '))
  expect([...file.subarray(8 + headerLength(file))]).toEqual([0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38])
})

it('writes F32 without metadata by default, from views too', () => {
  const file = encodeSafetensors([{ name: 'w', shape: [2], data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) }])
  expect(text(file.subarray(8, -8)).trimEnd()).toBe('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}')
  expect([...file.subarray(-8)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])
})

it('writes a file of nothing', async () => {
  const file = encodeSafetensors([])
  expect(file.length).toBe(16)
  expect((await openSafetensors(file, { name: 'x' })).tensors.size).toBe(0)
})

it('takes any iterable', () => {
  function* one() {
    yield { name: 'w', shape: [1], data: Float32Array.of(1) }
  }
  expect(encodeSafetensors(one())).toEqual(encodeSafetensors([...one()]))
})

it('does not change what it is given', () => {
  const data = Float32Array.of(1 / 3, 1e-8)
  encodeSafetensors([{ name: 'w', shape: [2], data }], { dtype: 'BF16' })
  expect(data).toEqual(Float32Array.of(1 / 3, 1e-8))
})

const one = (shape: number[], ...data: number[]) => [{ name: 'w', shape, data: Float32Array.from(data) }]

it.each<[string, () => Uint8Array, string]>([
  ['a name twice', () => encodeSafetensors([...one([1], 1), ...one([1], 1)]), 'tensor "w": the name must be unique and not __metadata__'],
  [
    'the reserved name',
    () => encodeSafetensors([{ name: '__metadata__', shape: [], data: Float32Array.of(1) }]),
    'tensor "__metadata__": the name must be unique and not __metadata__',
  ],
  [
    'too few values',
    () => encodeSafetensors(one([2, 2], 1, 2, 3)),
    'tensor "w": shape [2,2] must be of whole numbers and have as many elements as the data, 3',
  ],
  ['a bad shape', () => encodeSafetensors(one([-1, -1], 1)), 'tensor "w": shape [-1,-1] must be of whole numbers'],
  ['metadata of numbers', () => encodeSafetensors([], { metadata: { a: 1 } as never }), 'metadata "a": must be a string, got 1'],
  ['NaN', () => encodeSafetensors(one([2], 0, Number.NaN)), 'tensor "w": every value must be finite, got NaN at index 1'],
  ['infinity', () => encodeSafetensors(one([1], Number.NEGATIVE_INFINITY), { dtype: 'BF16' }), 'got -Infinity at index 0'],
  [
    'values beyond F16',
    () => encodeSafetensors(one([3], 65504, 65519, -65520), { dtype: 'F16' }),
    'tensor "w": every value must round to at most 65504 in F16, got -65520 at index 2; store it as BF16 or F32',
  ],
  ['values beyond BF16', () => encodeSafetensors(one([1], 3.4e38), { dtype: 'BF16' }), 'every value must round to at most 3.38'],
])('refuses %s', (_, encode, message) => {
  expect(encode).toThrow(SafetensorsError)
  expect(encode).toThrow(message)
})

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true })
const tensor = fc.array(fc.nat({ max: 4 }), { maxLength: 4 }).chain((shape) =>
  fc.record({
    name: fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__metadata__'),
    shape: fc.constant(shape),
    data: fc.float32Array({ ...lengthOf(shape), noNaN: true, noDefaultInfinity: true }),
  }),
)

function lengthOf(shape: readonly number[]) {
  const length = shape.reduce((product, dimension) => product * dimension, 1)
  return { minLength: length, maxLength: length }
}

it('gives random tensors and metadata back bit by bit', async () => {
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 })
  const metadata = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { maxKeys: 4 })
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (given, metadata) => {
      const encoded = encodeSafetensors(given, { metadata })
      const file = await openSafetensors(encoded, { name: 'x' })
      expect(Object.entries(file.metadata)).toEqual(Object.entries(metadata))
      expect(file.tensors.size).toBe(given.length)
      for (const { name, shape, data } of given) {
        expect(await file.read(name)).toEqual({ dtype: 'F32', shape, data })
      }
      expect(encodeSafetensors(given, { metadata })).toEqual(encoded)
    }),
    { seed: 1, numRuns: 60 },
  )
})

it.each<[FloatDtype, number, number]>([
  ['F16', 2 ** -11, 2 ** -25],
  ['BF16', 2 ** -8, 2 ** -134],
])('gives random values back within half a step of %s, and exactly the second time', async (dtype, relative, absolute) => {
  const roundTrip = async (data: Float32Array) => {
    const encoded = encodeSafetensors([{ name: 'w', shape: [data.length], data }], { dtype })
    return (await openSafetensors(encoded, { name: 'x' })).readFloat32('w')
  }
  const value = dtype === 'F16' ? fc.float({ min: -65504, max: 65504, noNaN: true }) : float32.map((value) => Math.fround(value / 2))
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 50 }), async (values) => {
      const given = Float32Array.from(values)
      const once = await roundTrip(given)
      for (const [i, value] of given.entries()) {
        expect(Math.abs(once[i]! - value)).toBeLessThanOrEqual(Math.max(relative * Math.abs(value), absolute))
      }
      expect(await roundTrip(once)).toEqual(once)
    }),
    { seed: 1, numRuns: 200 },
  )
})
