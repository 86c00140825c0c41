import type { Json } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { differences } from './differences.js'

it.each<[Json, Json, string[]]>([
  [{ a: 1, b: { c: 2 } }, { b: { c: 2 }, a: 1 }, []],
  [{ a: 1, b: { c: 2, d: 3 } }, { a: 0, b: { c: 2, d: 4 } }, ['a', 'b.d']],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, ['a']],
  [{ a: { b: 1 } }, { c: 1 }, ['a', 'c']],
  [{ a: { b: 1 } }, { a: null }, ['a']],
])('%j and %j differ in %j', (before, after, paths) => {
  expect(differences(before, after)).toEqual(paths)
})

it('begins with the path that is given', () => {
  expect(differences({ a: 1 }, { a: 2 }, 'settings')).toEqual(['settings.a'])
  expect(differences(1, 2, 'settings')).toEqual(['settings'])
})
