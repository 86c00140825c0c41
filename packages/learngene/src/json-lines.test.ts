import { expect, it } from 'vitest'
import { z } from 'zod'
import { UsageError } from './errors.js'
import { decodeLines } from './json-lines.js'

const kind = { schema: z.strictObject({ a: z.int() }), name: 'an a', remedy: 'mend it' }

it('reads lines as editors of Windows leave them, and none of an empty file', () => {
  expect(decodeLines('\uFEFF{"a":1}\r\n{"a":2}\r\n', 'f', kind)).toEqual([{ a: 1 }, { a: 2 }])
  for (const text of ['', '\n', '\uFEFF']) expect(decodeLines(text, 'f', kind), JSON.stringify(text)).toEqual([])
})

it.each([
  ['{"a":1}\n\n{"a":2}', 'dir/f:2: must be an a as JSON: it is empty; mend it'],
  ['{"a":1}\n{"a":', /^dir\/f:2: must be an a as JSON: [^\n]+; mend it$/],
  ['{"a":"b"}', /^dir\/f:1: 'a' cannot be: [^\n]+; mend it$/],
  ['[]', /^dir\/f:1: it cannot be: [^\n]+; mend it$/],
])('tells the line that is wrong: %j', (text, message) => {
  expect(() => decodeLines(text, 'dir/f', kind)).toThrow(UsageError)
  expect(() => decodeLines(text, 'dir/f', kind)).toThrow(message)
})
