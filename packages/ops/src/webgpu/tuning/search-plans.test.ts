import { expect, test, vi } from 'vitest'
import type { TunedPlan } from '../linear/planning.js'
import { type PlannedShape, searchPlans } from './search-plans.js'

const plan = (rows: number): TunedPlan => ({ rows, columns: 64, parts: 1 })
const shape = (key: string, rows: readonly number[], weight = 1): PlannedShape => ({ key, candidates: rows.map(plan), weight })

/** A device whose products take `ms` by the tile's rows, on a clock that nothing else moves. */
function device(ms: (rows: number, call: number) => number) {
  let time = 0
  const calls: string[] = []
  return {
    calls,
    now: () => time,
    async measure({ key }: PlannedShape, { rows }: TunedPlan) {
      const taken = ms(rows, calls.length)
      calls.push(`${key} ${rows}`)
      time += taken
      return taken
    },
  }
}

test('takes the fastest by medians, through outliers and a slow first run', async () => {
  // The first run of each compiles, every fifth is disturbed.
  const { now, measure } = device((rows, call) => (call < 3 ? 500 : rows + (call % 5 === 0 ? 1000 : 0)))
  const plans = await searchPlans([shape('a', [30, 20, 25])], { measure, now, seconds: 1000 })
  expect(plans).toEqual({ a: { ...plan(20), ms: 20, untunedMs: 30 } })
})

test('stays with the plan that needs no measuring where another gains less than noise', async () => {
  const { now, measure } = device((rows) => rows)
  expect(await searchPlans([shape('a', [1000, 990])], { measure, now, seconds: 1000 })).toEqual({
    a: { ...plan(1000), ms: 1000, untunedMs: 1000 },
  })
})

test('measures what is hopeless twice only, has the others take turns, and tells what each took', async () => {
  const { now, measure, calls } = device((rows) => rows)
  const onMeasured = vi.fn()
  await searchPlans([shape('a', [10, 100, 11])], { measure, now, seconds: 1000, onMeasured })
  expect(onMeasured.mock.calls).toEqual([['a', [10, 100, 11].map((ms) => ({ ...plan(ms), ms }))]])
  expect(calls.filter((call) => call === 'a 100')).toHaveLength(2)
  expect(calls.slice(6, 10)).toEqual(['a 11', 'a 10', 'a 10', 'a 11'])
})

test.each([0.05, 0.5, 2])('ends in time: within %d s and one measurement', async (seconds) => {
  const { now, measure } = device(() => 60)
  const plans = await searchPlans([shape('a', [1, 2, 3], 3), shape('b', [1, 2, 3, 4]), shape('c', [1, 2])], { measure, now, seconds })
  expect(now()).toBeLessThanOrEqual(1000 * seconds + 60)
  if (seconds < 0.1) expect(plans).toEqual({})
  if (seconds > 1) expect(Object.keys(plans)).toContain('a')
})

test('shapes share the time by weight, and what one leaves goes to the next', async () => {
  const { now, measure, calls } = device((rows) => rows)
  await searchPlans([shape('a', [100, 100], 3), shape('b', [10, 10])], { measure, now, seconds: 1 })
  expect(calls.filter((call) => call.startsWith('a'))).toHaveLength(8)
  expect(calls.filter((call) => call.startsWith('b'))).toHaveLength(16)
})

test('a shape whose share went into compilation is measured in what others leave', async () => {
  const { now, measure } = device((rows, call) => (call < 2 ? 400 : rows))
  const plans = await searchPlans([shape('a', [10, 5]), shape('b', [1, 1])], { measure, now, seconds: 1.2 })
  expect(plans).toMatchObject({ a: { rows: 5 }, b: { rows: 1 } })
})

test('what is never prepared is waited for until the time is over, and not measured', async () => {
  const { measure, calls } = device((rows) => rows)
  const prepare = ({ key, candidates }: PlannedShape) => (key === 'b' ? new Promise<never>(() => {}) : Promise.resolve(candidates))
  const now = () => performance.now()
  const began = now()
  const plans = await searchPlans([shape('a', [2, 1]), shape('b', [2, 1])], { prepare, measure, now, seconds: 0.3 })
  expect(now() - began).toBeLessThan(10_000)
  expect(plans).toEqual({ a: { ...plan(1), ms: 1, untunedMs: 2 } })
  expect(calls.filter((call) => call.startsWith('b'))).toEqual([])
}, 20_000)

test('what cannot be prepared is not measured, and the others are', async () => {
  const { now, measure, calls } = device((rows) => rows)
  const prepare = async ({ candidates }: PlannedShape) => candidates.filter(({ rows }) => rows !== 10)
  const plans = await searchPlans([shape('a', [30, 10, 20])], { prepare, measure, now, seconds: 1000 })
  expect(plans).toEqual({ a: { ...plan(20), ms: 20, untunedMs: 30 } })
  expect(calls).not.toContain('a 10')
})

/** Measures, but fails from a call on where a plan's tile has so many rows. */
function failing(measure: ReturnType<typeof device>['measure'], failed: number, from = 1) {
  let calls = 0
  return async (shape: PlannedShape, plan: TunedPlan) => {
    if (plan.rows === failed && ++calls >= from) throw new Error(`no tile of ${failed}`)
    return measure(shape, plan)
  }
}

test.each([1, 2, 4])('a plan whose measurement %i fails is hopeless, whatever it took before', async (from) => {
  const { now, measure } = device((rows) => rows)
  const onMeasured = vi.fn()
  const isLost = async () => false
  const shapes = [shape('a', [30, 10, 20]), shape('b', [10, 5])]
  const search = { measure: failing(measure, 5, from), isLost, now, seconds: 1000, onMeasured }
  expect(await searchPlans(shapes, search)).toEqual({
    a: { ...plan(10), ms: 10, untunedMs: 30 },
    b: { ...plan(10), ms: 10, untunedMs: 10 },
  })
  expect(onMeasured).toHaveBeenLastCalledWith('b', [{ ...plan(10), ms: 10 }])
})

test('a shape whose plan of limits and model fails is left out, once; where all are it is the error', async () => {
  const { now, measure, calls } = device((rows) => rows)
  const search = { measure: failing(measure, 30), now, seconds: 1000 }
  expect(Object.keys(await searchPlans([shape('a', [30, 10]), shape('b', [20, 10])], search))).toEqual(['b'])
  expect(calls.filter((call) => call.startsWith('a'))).toEqual([])
  await expect(searchPlans([shape('a', [30, 10]), shape('b', [30])], search)).rejects.toThrow('no tile of 30')
})

test('what fails on a lost device ends the search, and what was found by then has been told', async () => {
  const { now, measure, calls } = device((rows) => rows)
  const onPlan = vi.fn()
  const search = { measure: failing(measure, 5), isLost: async () => true, now, seconds: 1000, onPlan }
  await expect(searchPlans([shape('a', [30, 10]), shape('b', [10, 5]), shape('c', [1, 2])], search)).rejects.toThrow('no tile of 5')
  expect(onPlan.mock.calls).toEqual([['a', { ...plan(10), ms: 10, untunedMs: 30 }]])
  expect(calls.filter((call) => call.startsWith('c'))).toEqual([])
})

test('the next shape begins when whoever is told of a plan has kept it', async () => {
  const { now, measure, calls } = device((rows) => rows)
  const before: number[] = []
  const onPlan = async () => {
    const count = calls.length
    await new Promise((resolve) => setTimeout(resolve, 5))
    before.push(calls.length - count)
  }
  await searchPlans([shape('a', [30, 10]), shape('b', [10, 5])], { measure, now, seconds: 1000, onPlan })
  expect(before).toEqual([0, 0])
})

test('an aborted search has told of what it found', async () => {
  const controller = new AbortController()
  const { now, measure } = device((rows) => rows)
  const onPlan = vi.fn()
  const aborting = async (shape: PlannedShape, plan: TunedPlan) => {
    if (shape.key === 'b') controller.abort(new Error('enough'))
    return measure(shape, plan)
  }
  const search = { measure: aborting, now, seconds: 1000, signal: controller.signal, onPlan }
  await expect(searchPlans([shape('a', [30, 10]), shape('b', [10, 5])], search)).rejects.toThrow('enough')
  expect(onPlan.mock.calls).toEqual([['a', { ...plan(10), ms: 10, untunedMs: 30 }]])
})

test('a preparation that fails is the error of the search', async () => {
  const { measure, now } = device((rows) => rows)
  const prepare = () => Promise.reject(new Error('no such program'))
  await expect(searchPlans([shape('a', [2, 1])], { prepare, measure, now, seconds: 1 })).rejects.toThrow('no such program')
})

test('an aborted search throws the reason and measures no more', async () => {
  const controller = new AbortController()
  const { now, measure, calls } = device(() => 1)
  const aborting = async (...taken: Parameters<typeof measure>) => {
    if (calls.length === 2) controller.abort(new Error('enough'))
    return measure(...taken)
  }
  const searching = searchPlans([shape('a', [1, 2, 3])], { measure: aborting, now, seconds: 9, signal: controller.signal })
  await expect(searching).rejects.toThrow('enough')
  expect(calls).toHaveLength(3)
})
