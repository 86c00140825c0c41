import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Dtype,
  decode,
  decodeBfloat16,
  decodeFloat16,
  dtypes,
  elementBytes,
  elementCount,
  encodeBfloat16,
  encodeFloat16,
  firstNonFinite,
  isDtype,
  isFiniteBfloat16,
  isFiniteFloat16,
  isShape,
  largestBfloat16,
  largestFloat16,
  sameShape,
  type TensorData,
} from './elements.js'

describe('dtypes', () => {
  it('knows its dtypes and their sizes', () => {
    expect(dtypes.map((dtype) => [dtype, elementBytes(dtype)])).toEqual([
      ['F64', 8],
      ['F32', 4],
      ['F16', 2],
      ['BF16', 2],
      ['F8_E4M3', 1],
      ['F8_E5M2', 1],
      ['I64', 8],
      ['U64', 8],
      ['I32', 4],
      ['U32', 4],
      ['I16', 2],
      ['U16', 2],
      ['I8', 1],
      ['U8', 1],
      ['BOOL', 1],
    ])
    expect(dtypes.every(isDtype)).toBe(true)
  })

  it.each([['f32'], ['F8'], ['toString'], ['__proto__'], [''], [4], [null], [undefined], [['F32']]])('does not know %j', (value) => {
    expect(isDtype(value)).toBe(false)
  })
})

describe('shapes', () => {
  it.each([[[]], [[0]], [[2, 3]], [[Number.MAX_SAFE_INTEGER]]])('%j is a shape', (value) => {
    expect(isShape(value)).toBe(true)
  })

  it.each([[[-1]], [[1.5]], [[2 ** 53]], [['2']], [[null]], [[[2]]], [{ length: 0 }], [null], [3], ['']])('%j is no shape', (value) => {
    expect(isShape(value)).toBe(false)
  })

  it('counts elements and notices overflow', () => {
    expect(elementCount([])).toBe(1)
    expect(elementCount([2, 3, 4])).toBe(24)
    expect(elementCount([2 ** 52, 0])).toBe(0)
    expect(elementCount([2 ** 53 - 1])).toBe(2 ** 53 - 1)
    expect(elementCount([2 ** 27, 2 ** 26])).toBeUndefined()
    expect(elementCount([2 ** 40, 2 ** 40, 0])).toBeUndefined()
  })

  it('compares shapes', () => {
    expect(sameShape([2, 3], [2, 3])).toBe(true)
    expect(sameShape([2, 3], [3, 2])).toBe(false)
    expect(sameShape([2], [2, 1])).toBe(false)
    expect(sameShape([2, 1], [2])).toBe(false)
  })
})

describe('decode', () => {
  const cases: [Dtype, TensorData, TensorData][] = [
    ['F64', Float64Array.of(1 / 3, -0), Float64Array.of(1 / 3, -0)],
    ['F32', Float32Array.of(1.5, -2), Float32Array.of(1.5, -2)],
    ['F16', Uint8Array.of(0x00, 0x3c, 0x01, 0x80), Float32Array.of(1, -(2 ** -24))],
    ['BF16', Uint8Array.of(0x80, 0x3f, 0x49, 0x40), Float32Array.of(1, 3.140625)],
    ['I64', BigInt64Array.of(-(2n ** 63n), 5n), BigInt64Array.of(-(2n ** 63n), 5n)],
    ['I32', Int32Array.of(-1, 2 ** 31 - 1), Int32Array.of(-1, 2 ** 31 - 1)],
    ['U8', Uint8Array.of(0, 255), Uint8Array.of(0, 255)],
    ['BOOL', Uint8Array.of(0, 1), Uint8Array.of(0, 1)],
  ]

  it.each(cases)('decodes %s at any alignment, also from a Buffer, into memory of its own', (dtype, stored, expected) => {
    for (const offset of [0, 1, 3]) {
      const memory = Buffer.alloc(offset + stored.byteLength)
      memory.set(new Uint8Array(stored.buffer), offset)
      const decoded = decode(dtype, memory.subarray(offset))
      memory.fill(0xaa)
      expect(decoded).toEqual(expected)
    }
  })

  it('decodes no bytes to no elements', () => {
    expect(decode('F16', new Uint8Array())).toEqual(new Float32Array())
  })
})

describe('float16', () => {
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
})

describe('bfloat16', () => {
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
})

describe('firstNonFinite', () => {
  it('finds the first infinity or NaN', () => {
    expect(firstNonFinite(Float32Array.of())).toBe(-1)
    expect(firstNonFinite(Float32Array.of(0, -3e38, 1e-45))).toBe(-1)
    expect(firstNonFinite(Float32Array.of(0, Number.NaN, Number.POSITIVE_INFINITY))).toBe(1)
    expect(firstNonFinite(Float32Array.of(Number.NEGATIVE_INFINITY))).toBe(0)
  })
})
