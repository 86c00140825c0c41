import { describe, expect, it } from 'vitest'
import { faultInClassNames, readClassNames, sharedNames } from './details.js'

describe('class names', () => {
  it('reads lists and id2label, numbers as text', () => {
    expect(readClassNames(['ant', 'bee'], 'x')).toEqual(['ant', 'bee'])
    expect(readClassNames(JSON.parse('{"1":"b","0":"a","2":7}'), 'x')).toEqual(['a', 'b', '7'])
    const eleven = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [String(i), `c${i}`]))
    expect(readClassNames(eleven, 'x')?.at(-1)).toBe('c10')
    for (const none of [undefined, null]) expect(readClassNames(none, 'x')).toBeUndefined()
  })

  it.each([
    ['ant', 'x must be names by class, found "ant"'],
    [{ 0: 'a', 2: 'c' }, 'x must name the classes 0, 1, 2 and so on, found no class 1'],
    [{ ant: 0 }, 'found no class 0'],
    [['a', ''], 'x must be non-empty texts, found "" for class 1'],
    [['a', null], 'found null for class 1'],
  ])('refuses %j', (labels, message) => {
    expect(() => readClassNames(labels, 'x')).toThrow(message)
  })

  it('says what is wrong with the names of a model', () => {
    expect(faultInClassNames(undefined, 3)).toBeUndefined()
    expect(faultInClassNames(['a', 'b', 'c'], 3)).toBeUndefined()
    expect(faultInClassNames(['a', 'b'], 3)).toBe(
      'class names must be one non-empty text for each of the 3 classes of the classifier, found 2 (a, b)',
    )
    expect(faultInClassNames({ 0: 'a' }, 1)).toContain('found {...}')
  })

  it('notes names that several classes share', () => {
    expect(sharedNames(['crane', 'ant', 'crane'], 'x')).toEqual(['x gives several classes one name: crane'])
    expect(sharedNames(['a', 'b'], 'x')).toEqual([])
  })
})
