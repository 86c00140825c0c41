import fc from 'fast-check'
import { expect, it } from 'vitest'
import { duplicateKey } from './duplicate-key.js'

it.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"b":{"c":1},"a":2}', 'a'],
  ['{"a":{"x":1,"y":[{"z":"}"}],"x":2}}', 'x'],
  ['[{"a":1},{"b":1,"b":1}]', 'b'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"":[],"":[]}', ''],
  [' { "a" : 1 ,\n "a" : 2 } ', 'a'],
  ['{"\\\\":1,"b\\"":2,"b\\"":3}', 'b"'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('finds the key that %s has twice', (json, key) => {
  expect(duplicateKey(json)).toBe(key)
})

it.each([
  ['{}'],
  ['{"a":"a","b":"a"}'],
  ['{"a":{"a":{"a":1}}}'],
  ['[{"a":1},{"a":1}]'],
  ['{"a":["a","a"],"b":["b",{"b":0},"b"]}'],
  ['{"a":"\\"a\\":1,","b":"{,\\\\"}'],
  ['"a"'],
])('finds none in %s', (json) => {
  expect(duplicateKey(json)).toBeUndefined()
})

it('finds none in any JSON made from a value, and finds the key that is then repeated', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const json = JSON.stringify(value)
      expect(duplicateKey(json)).toBeUndefined()
      const key = Object.keys(value).at(-1)!
      expect(duplicateKey(`${json.slice(0, -1)},${JSON.stringify(key)}:0}`)).toBe(key)
    }),
    { seed: 1, numRuns: 60 },
  )
})
