import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFloat16, encodeFloat16, isFiniteFloat16, largestFloat16 } from './float16.js'

const allCodes = Uint16Array.from({ length: 65536 }, (_, code) => code)

/** The definition of IEEE 754 binary16. */
function defined(code: number): number {
  const sign = code & 0x8000 ? -1 : 1
  const exponent = (code >> 10) & 31
  const mantissa = code & 1023
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

/** The finite code nearest to a value that needs no rounding to infinity, by search; of two equally near, the even one. */
function nearest(value: number): number {
  const magnitude = Math.abs(value)
  let low = 0
  let high = 0x7c00
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (defined(middle) <= magnitude) low = middle
    else high = middle
  }
  const below = magnitude - defined(low)
  const above = (low === 0x7bff ? 65536 : defined(low + 1)) - magnitude
  const code = below < above || (below === above && low % 2 === 0) ? low : low + 1
  return code | (Object.is(Math.sign(value), -0) || value < 0 ? 0x8000 : 0)
}

describe('all 65,536 codes', () => {
  const decoded = decodeFloat16(allCodes)

  it('decode to what the definition says, signed zeros included', () => {
    const wrong = allCodes.filter((code) => !Object.is(decoded[code], defined(code)))
    expect([...wrong]).toEqual([])
  })

  it('keep the sign and payload of NaN', () => {
    const bits = new Uint32Array(decoded.buffer)
    expect(bits[0x7e01]! >>> 0).toBe(0x7fc02000)
    expect(bits[0xfc01]! >>> 0).toBe(0xff802000)
  })

  it('encode back to themselves, NaN to a quiet NaN', () => {
    const encoded = encodeFloat16(decoded)
    const isNaNCode = (code: number) => (code & 0x7fff) > 0x7c00
    const wrong = allCodes.filter((code) => encoded[code] !== (isNaNCode(code) ? code | 0x200 : code))
    expect([...wrong]).toEqual([])
  })

  it('are finite as the definition says', () => {
    const wrong = allCodes.filter((code) => isFiniteFloat16(code) !== Number.isFinite(defined(code)))
    expect([...wrong]).toEqual([])
  })
})

it('rounds halfway values between neighbouring codes to even, and values beside the halfway to the nearer', () => {
  for (let code = 0; code < 0x7bff; code++) {
    const middle = Math.fround((defined(code) + defined(code + 1)) / 2)
    const single = Float32Array.of(middle)
    const bits = new Uint32Array(single.buffer)
    const neighbours = new Float32Array(Uint32Array.of(bits[0]! - 1, bits[0]! + 1).buffer)
    const even = code % 2 === 0 ? code : code + 1
    const found = encodeFloat16(Float32Array.of(middle, -middle, neighbours[0]!, neighbours[1]!))
    if (found[0] !== even || found[1] !== (even | 0x8000) || found[2] !== code || found[3] !== code + 1) {
      expect.fail(`around code ${code}: ${[...found]}, expected ${even}, ${even | 0x8000}, ${code}, ${code + 1}`)
    }
  }
})

it('rounds random singles to the nearest code', () => {
  fc.assert(
    fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
      expect(encodeFloat16(Float32Array.of(value))[0]).toBe(nearest(value))
    }),
    { seed: 1, numRuns: 2000 },
  )
})

it('has infinity from 65520 on, where the nearest code would be 65536', () => {
  expect(largestFloat16).toBe(defined(0x7bff))
  const below = Math.fround(65519.996)
  expect(below).toBeLessThan(65520)
  expect([...encodeFloat16(Float32Array.of(below, 65520, -65520, 3e38, Number.NEGATIVE_INFINITY))]).toEqual([
    0x7bff, 0x7c00, 0xfc00, 0x7c00, 0xfc00,
  ])
})

it('flushes to zero at half the smallest subnormal and below, keeping the sign', () => {
  expect([...encodeFloat16(Float32Array.of(2 ** -25, -(2 ** -25), 2 ** -25 * (1 + 2 ** -23), 2 ** -149))]).toEqual([0, 0x8000, 1, 0])
})

it('reads views that do not begin at the start of their memory', () => {
  expect([...encodeFloat16(Float32Array.of(9, 1, 2).subarray(1))]).toEqual([0x3c00, 0x4000])
  expect([...decodeFloat16(Uint16Array.of(0, 0x3c00, 0x4000).subarray(1))]).toEqual([1, 2])
})
