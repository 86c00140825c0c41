import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cosine } from './schedule.js'

fc.configureGlobal({ seed: 1 })

test('the warm-up grows linearly from initial to base', () => {
  const rate = cosine({ base: 1, steps: 100, warmup: 10, initial: 0.1 })
  expect(rate(0)).toBe(0.1)
  expect(rate(5)).toBeCloseTo(0.55, 12)
  expect(rate(10)).toBe(1)
})

test('half a cosine leads from base to final', () => {
  const rate = cosine({ base: 1, steps: 110, warmup: 10, final: 0.2 })
  expect(rate(60)).toBeCloseTo(0.6, 12)
  expect(rate(35)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2), 12)
  expect(rate(110)).toBeCloseTo(0.2, 12)
  expect(rate(1000)).toBeCloseTo(0.2, 12)
})

test('without a warm-up the first step has the highest rate', () => {
  expect(cosine({ base: 0.5, steps: 3 })(0)).toBe(0.5)
})

test('the rate lies between its ends, rises in the warm-up and falls after it', () => {
  const options = fc.record({
    base: fc.double({ min: 1e-4, max: 1, noNaN: true }),
    steps: fc.integer({ min: 2, max: 200 }),
    part: fc.double({ min: 0, max: 0.9, noNaN: true }),
  })
  fc.assert(
    fc.property(options, ({ base, steps, part }) => {
      const warmup = Math.floor(part * steps)
      const rate = cosine({ base, steps, warmup })
      for (let step = 0; step < steps; step++) {
        expect(rate(step)).toBeGreaterThanOrEqual(1e-6)
        expect(rate(step)).toBeLessThanOrEqual(base)
        if (step < warmup) expect(rate(step)).toBeLessThan(rate(step + 1))
        else expect(rate(step)).toBeGreaterThan(rate(step + 1))
      }
    }),
  )
})

test.each([
  { base: 0, steps: 10 },
  { base: 1, steps: 0 },
  { base: 1, steps: 10, warmup: 10 },
  { base: 1, steps: 10, warmup: -1 },
  { base: Number.NaN, steps: 10 },
  { base: 1, steps: 10, warmup: Number.NaN },
])('%o is refused', (options) => {
  expect(() => cosine(options)).toThrow('cosine: base and steps must be positive and warmup less than steps')
})
