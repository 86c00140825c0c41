import { describe, expect, it } from 'vitest'
import * as json from './json.js'

describe('parse', () => {
  it('reads what JSON.parse reads', () => {
    const value = { a: [1, 'x', null, true, { b: -2.5e-7 }], 'ü"': {} }
    expect(json.parse(JSON.stringify(value, null, 2))).toEqual(value)
    expect(json.parse(`${'['.repeat(64)}${']'.repeat(64)}`)).toHaveLength(1)
  })

  it.each([
    ['{', /^it must be JSON: /],
    ['{"a":1,"b":{"a":1},"\\u0061":2}', 'a key must occur once in an object; got "a" twice'],
    ['{"a":[1,-1e999]}', 'its numbers must be finite; got one beyond 1.8e308'],
    [`${'['.repeat(66)}${']'.repeat(66)}`, 'its values must nest at most 64 levels deep; they nest deeper'],
    [`${'{"a":'.repeat(1e5)}0${'}'.repeat(1e5)}`, 'nest at most 64 levels'],
  ])('refuses %.40s', (text, message) => {
    expect(() => json.parse(text)).toThrow(message)
  })
})

it.each<[what: string, read: () => unknown, message: string]>([
  ['an object', () => json.object([1], 'x'), 'x must be an object; got [1]'],
  ['no object', () => json.object(null, 'x'), 'x must be an object; got null'],
  ['a list', () => json.list({}, 'x', 3, String), 'x must be a list; got {...}'],
  ['a short list', () => json.list([1, 2], 'x', 1, String), 'x must have at most 1 items; got 2'],
  ['an item', () => json.list([[], 1], 'x', 2, json.object as () => unknown), 'x[0] must be an object; got []'],
  ['a text', () => json.text(['a\nb'], 'x', { pattern: /./, words: 'a word' }), 'x must be a word; got ["a\\nb"]'],
  ['a text of a pattern', () => json.text('../a', 'x', { pattern: /^\w+$/, words: 'a word' }), 'x must be a word; got "../a"'],
  ['an integer', () => json.integer('1', 'x', 0, 9), 'x must be an integer from 0 to 9; got "1"'],
  ['an integer within bounds', () => json.integer(1e15, 'x', 0, 9), 'x must be an integer from 0 to 9; got 1000000000000000'],
  ['a flag', () => json.flag(1, 'x'), 'x must be true or false; got 1'],
])('asks for %s', (_, read, message) => {
  expect(read).toThrow(message)
})
