import { expect, it } from 'vitest'
import { isRecord, parseHeaderJson } from './header-json.js'

const parse = (text: string) => parseHeaderJson(new TextEncoder().encode(text), 'x')

it('parses an object, padded with spaces or not', () => {
  expect(parse('{"ä":[1,{}]}   ')).toEqual({ ä: [1, {}] })
})

it.each([
  ['', 'x: the header must be a JSON object and begin with "{", found ""'],
  ['[]', 'x: the header must be a JSON object and begin with "{", found "[]"'],
  [' {}', 'x: the header must be a JSON object and begin with "{", found " {}"'],
  ['\ufeff{}', 'x: the header must be a JSON object and begin with "{"'],
  ['{', 'x: the header must be valid JSON: '],
  ['{}{}', 'x: the header must be valid JSON: '],
  ['{"a":1,}', 'x: the header must be valid JSON: '],
  ['{"a":NaN}', 'x: the header must be valid JSON: '],
  ['{"b":{},"b":{}}', 'x: a key of the header must occur once, found "b" twice'],
  ['{"b":{"dtype":1,"dtype":2}}', 'x: a key of the header must occur once, found "dtype" twice'],
])('refuses %j', (text, message) => {
  expect(() => parse(text)).toThrow(message)
})

it('refuses invalid UTF-8', () => {
  expect(() => parseHeaderJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 'x')).toThrow(
    'x: the header must be valid UTF-8, its 4 bytes are not',
  )
})

it('knows records', () => {
  expect([{}, [], null, 'a', 1, undefined].map(isRecord)).toEqual([true, false, false, false, false, false])
})
