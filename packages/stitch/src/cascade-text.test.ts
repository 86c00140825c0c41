import { expect, it } from 'vitest'
import { formatCascade, isCascadeText, parseCascade } from './cascade-text.js'
import { parsePath } from './paths/index.js'

const paths = { small: parsePath('a[0-2]>b[3-3]'), large: parsePath('b[0-3]') }

it.each([
  ['cascade(a[0-2]>b[3-3], b[0-3], 0.8)', { ...paths, threshold: 0.8 }],
  ['cascade(a[0-2]>b[3-3], b[0-3], -1e-7, margin)', { ...paths, threshold: -1e-7, confidence: 'margin' }],
])('reads and writes %s', (text, value) => {
  expect(parseCascade(text)).toEqual(value)
  expect(formatCascade(value)).toBe(text)
  expect(isCascadeText(text)).toBe(true)
})

it('takes any spaces, and leaves out the confidence that goes without saying', () => {
  expect(formatCascade(parseCascade(' cascade( a[0-2]>b[3],b[0-3] ,.80,probability ) '))).toBe('cascade(a[0-2]>b[3-3], b[0-3], 0.8)')
  expect(formatCascade({ ...paths, threshold: 0.8 })).toBe('cascade(a[0-2]>b[3-3], b[0-3], 0.8)')
  for (const other of ['cascade[0-1]', 'mycascade(a)', 'my cascade(a)', 'cascades(a)']) expect(isCascadeText(other)).toBe(false)
})

it.each([
  [7, 'a cascade reads like cascade(ti9[0-8], ba9[0-8], 0.8); got 7'],
  ['a[0-2]', "got 'a[0-2]'"],
  ['a cascade(a[0-2], b[0-3], 1)', "got 'a cascade(a[0-2], b[0-3], 1)'"],
  ['cascade(a[0-2], b[0-3], 1) more', "got 'cascade(a[0-2], b[0-3], 1) more'"],
  ['cascades(a[0-2], b[0-3], 1)', "got 'cascades(a[0-2], b[0-3], 1)'"],
  ['cascade(a[0-2], b[0-3])', 'two paths, a threshold and perhaps the name of a confidence; got 2 parts'],
  ['cascade(a[0-2], b[0-3], 1, margin, 2)', 'got 5 parts'],
  ['cascade(a[0-2], b[0-3], much)', "its threshold must be a number; got 'much'"],
  ['cascade(a[0-2], b[0-3], )', "its threshold must be a number; got ''"],
  ['cascade(a[0-2], b[0-3], 1, )', 'its fourth part must name a confidence; it is empty'],
  ['cascade(a[2-0], b[0-3], 1)', 'a path reads like'],
])('refuses %j', (text, message) => {
  expect(() => parseCascade(text as string)).toThrow(message)
})
