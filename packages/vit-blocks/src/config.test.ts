import { expect, it } from 'vitest'
import { integerIn, numberIn } from './config.js'

it('reads numbers, or their default', () => {
  expect(integerIn({ width: 3 }, 'width')).toBe(3)
  expect(integerIn({}, 'width', 4)).toBe(4)
  expect(numberIn({ ratio: 0.5 }, 'ratio')).toBe(0.5)
})

it.each([[0], [-1], ['3'], [Number.NaN], [Number.POSITIVE_INFINITY], [{}], [undefined]])('refuses %s', (width) => {
  expect(() => numberIn({ width }, 'width')).toThrow(/^config: 'width' must be a positive number; got /)
})

it('refuses fractions where an integer is asked for', () => {
  expect(() => integerIn({ width: 1.5 }, 'width')).toThrow("config: 'width' must be a positive integer; got 1.5")
})
