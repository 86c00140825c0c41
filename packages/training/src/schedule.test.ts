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
    base: fc.oneof(fc.double({ min: 1e-4, max: 1, noNaN: true }), fc.double({ min: 1e-8, max: 1e-4, noNaN: true })),
    steps: fc.integer({ min: 2, max: 200 }),
    part: fc.double({ min: 0, max: 0.9, noNaN: true }),
  })
  fc.assert(
    fc.property(options, ({ base, steps, part }) => {
      const warmup = Math.floor(part * steps)
      const rate = cosine({ base, steps, warmup })
      for (let step = 0; step < steps; step++) {
        expect(rate(step)).toBeGreaterThanOrEqual(Math.min(base, 1e-6))
        expect(rate(step)).toBeLessThanOrEqual(base)
        const change = rate(step + 1) - rate(step)
        if (step < warmup) expect(change).toBeGreaterThan(base > 1e-6 ? 0 : -1e-20)
        else if (base > 1.001e-5) expect(change).toBeLessThan(0)
        else expect(change).toBeLessThan(1e-20)
      }
    }),
  )
})

test('a base below both ends stays where it is', () => {
  const rate = cosine({ base: 1e-7, steps: 10, warmup: 3 })
  for (const step of [0, 2, 3, 5, 10, 20]) expect(rate(step)).toBeCloseTo(1e-7, 20)
  expect(cosine({ base: 1e-3, steps: 10, final: 1 })(10)).toBeCloseTo(1e-3, 15)
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

test('ends that are no rates and options of another name are refused', () => {
  expect(() => cosine({ base: 1, steps: 10, final: Number.NaN })).toThrow(
    'cosine: initial and final must be at least 0; got 0.000001 and NaN',
  )
  expect(() => cosine({ base: 1, steps: 10, initial: -1 })).toThrow('initial and final must be at least 0; got -1 and')
  expect(() => cosine({ base: 1, steps: 10, warmUp: 3 } as never)).toThrow(
    "cosine: there is no option 'warmUp'; the options are base, steps, warmup, initial, final",
  )
  expect(() => cosine(undefined as never)).toThrow('cosine: options must be an object; got undefined')
})
