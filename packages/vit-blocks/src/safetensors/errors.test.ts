import { describe, expect, it } from 'vitest'
import { describeList, describeShape, describe as quote, SafetensorsError } from './errors.js'

describe('SafetensorsError', () => {
  it('is an Error with a name of its own and a message of one line', () => {
    const error = new SafetensorsError('a\r\nb\u2028c\u0000d')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('SafetensorsError')
    expect(error.message).toBe('a b c d')
  })
})

describe('values in messages', () => {
  it('shows values as JSON and cuts long ones', () => {
    expect(quote('a"b\n')).toBe('"a\\"b\\n"')
    expect(quote(undefined)).toBe('nothing')
    expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(79)}...`)
  })

  it('shows the outermost level only', () => {
    expect(quote([1, 'a', null, [2], { b: 3 }])).toBe('[1,"a",null,[...],{...}]')
    expect(quote({ a: 1 })).toBe('{...}')
  })

  it('shows shapes', () => {
    expect(describeShape([])).toBe('[]')
    expect(describeShape([2, 3])).toBe('[2, 3]')
  })

  it('names the first of a list and counts the rest', () => {
    expect(describeList([])).toBe('')
    expect(describeList(['a', 'b', 'c'])).toBe('a, b, c')
    expect(describeList(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more')
  })
})
