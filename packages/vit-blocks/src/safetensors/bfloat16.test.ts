import { describe, expect, it } from 'vitest'
import { decodeBfloat16, encodeBfloat16, isFiniteBfloat16, largestBfloat16 } from './bfloat16.js'

const allCodes = Uint16Array.from({ length: 65536 }, (_, code) => code)

/** The definition: 8 exponent bits, 7 mantissa bits. */
function defined(code: number): number {
  const sign = code & 0x8000 ? -1 : 1
  const exponent = (code >> 7) & 255
  const mantissa = code & 127
  if (exponent === 255) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * mantissa * 2 ** -133 : sign * (1 + mantissa / 128) * 2 ** (exponent - 127)
}

describe('all 65,536 codes', () => {
  const decoded = decodeBfloat16(allCodes)

  it('decode to what the definition says, signed zeros included', () => {
    const wrong = allCodes.filter((code) => !Object.is(decoded[code], defined(code)))
    expect([...wrong]).toEqual([])
  })

  it('encode back to themselves, NaN to a quiet NaN', () => {
    const encoded = encodeBfloat16(decoded)
    const isNaNCode = (code: number) => (code & 0x7fff) > 0x7f80
    const wrong = allCodes.filter((code) => encoded[code] !== (isNaNCode(code) ? code | 0x40 : code))
    expect([...wrong]).toEqual([])
  })

  it('are finite as the definition says', () => {
    const wrong = allCodes.filter((code) => isFiniteBfloat16(code) !== Number.isFinite(defined(code)))
    expect([...wrong]).toEqual([])
  })
})

it('rounds halfway values between neighbouring codes to even, and values beside the halfway to the nearer', () => {
  const codes = allCodes.filter((code) => (code & 0x7fff) < 0x7f80)
  for (const code of codes) {
    const bits = code * 65536
    const even = code % 2 === 0 ? code : code + 1
    const found = encodeBfloat16(new Float32Array(Uint32Array.of(bits + 0x8000, bits + 0x7fff, bits + 0x8001).buffer))
    if (found[0] !== even || found[1] !== code || found[2] !== code + 1) {
      expect.fail(`around code ${code}: ${[...found]}, expected ${even}, ${code}, ${code + 1}`)
    }
  }
})

it('has infinity above the largest by half a step', () => {
  expect(largestBfloat16).toBe(defined(0x7f7f))
  const halfStep = 2 ** 119
  expect([...encodeBfloat16(Float32Array.of(largestBfloat16, largestBfloat16 + halfStep, -largestBfloat16 - halfStep))]).toEqual([
    0x7f7f, 0x7f80, 0xff80,
  ])
})

it('keeps a NaN whose payload lies in the lower half a NaN', () => {
  expect([...encodeBfloat16(new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer))]).toEqual([0x7fc0, 0xffc0])
})
