import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { canonicalJson, sha256 } from './canonical-json.js'

it('sorts keys, leaves out what is undefined, and writes no spaces', () => {
  expect(canonicalJson({ b: [1, null, 'x', { d: true, c: -0 }], a: undefined as never, B: 1e21 })).toBe(
    '{"B":1e+21,"b":[1,null,"x",{"c":0,"d":true}]}',
  )
})

it('says the same as JSON, whatever the order of keys', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    // Own properties, even one of the name __proto__.
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, each]) => [key, shuffled(each)]),
    )
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as never)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      expect(canonicalJson(shuffled(value) as never)).toBe(text)
      expect(canonicalJson(JSON.parse(text))).toBe(text)
    }),
  )
})

it('tells different values apart', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = canonicalJson(a as never) === canonicalJson(b as never)
      const equal = (() => {
        try {
          expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)))
          return true
        } catch {
          return false
        }
      })()
      expect(same).toBe(equal)
    }),
  )
})

it.each([
  ['infinity', { a: [0, Number.POSITIVE_INFINITY] }, 'a[1] must be plain data; got Infinity'],
  ['NaN', Number.NaN, 'the value must be plain data; got NaN'],
  ['a hole', [0, undefined], '[1] must be plain data; got undefined'],
  ['a function', { f() {} }, 'f must be plain data; got a function'],
  ['numbers in an array of a type', { a: Float32Array.of(1) }, 'a must be plain data; got an array of 1'],
  ['a map', { a: new Map() }, 'a must be plain data'],
  ['a date', { a: new Date(0) }, 'a must be plain data'],
])('refuses %s', (_, value, message) => {
  expect(() => canonicalJson(value as never)).toThrow(`JSON: ${message}`)
})

it('hashes as FIPS 180-4 has it', async () => {
  expect(await sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(await sha256(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

it('says why it cannot hash in a page that is not secure', async () => {
  vi.stubGlobal('crypto', {})
  await expect(sha256('abc')).rejects.toThrow('SHA-256 needs a secure page; serve it by https or from localhost')
  vi.unstubAllGlobals()
})
