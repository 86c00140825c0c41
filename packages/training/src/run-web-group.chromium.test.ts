import type { ReportEvent } from '@learngene/interfaces'
import { afterEach, expect, test, vi } from 'vitest'
import { type RunWebGroupOptions, runGroup } from './run-web-group.js'

const run = <Result = unknown>(program: string, size: number, options: Partial<RunWebGroupOptions> = {}) => {
  const worker = () => new Worker(new URL('./web-programs.fixture.ts', import.meta.url), { type: 'module' })
  return runGroup<Result>({ size, worker, input: { program }, ...options })
}

afterEach(() => vi.unstubAllGlobals())

test.each([1, 2])('%d workers: the result is that of rank 0', async (size) => {
  expect(await run('rank', size)).toEqual({ rank: 0, size })
})

test('workers share memory', async () => {
  expect(await run('shared', 3)).toEqual([1, 2, 3])
})

test('two workers, each with its own wasm backend, train as one does at the same global batch', async () => {
  type Trained = { losses: Float32Array; values: { [name: string]: number[] }; backend: string }
  const events: ReportEvent[] = []
  const one = await run<Trained>('train', 1)
  const two = await run<Trained>('train', 2, { report: (event) => events.push(event) })
  expect([one.backend, two.backend]).toEqual(['wasm', 'wasm'])
  expect(two.losses).toHaveLength(10)
  expect(one.losses[9]).toBeLessThan(one.losses[0]!)
  one.losses.forEach((loss, i) => void expect(Math.abs(two.losses[i]! - loss)).toBeLessThan(1e-5))
  for (const [name, values] of Object.entries(one.values)) {
    values.forEach((value, i) => void expect(Math.abs(two.values[name]![i]! - value)).toBeLessThan(1e-5))
  }
  expect(events.some((event) => event.kind === 'progress' && event.done === 10)).toBe(true)
})

test('a worker that throws ends the group with its error and rank', async () => {
  const error = await run('throw', 2).catch((error) => error)
  expect(error).toBeInstanceOf(RangeError)
  expect(error).toMatchObject({ message: 'the images are too small', rank: 1 })
  await expect(run('unsendable', 1)).rejects.toThrow('could not be cloned')
})

test('a script that cannot be loaded fails the group', async () => {
  const worker = () => new Worker('/nothing-here.js', { type: 'module' })
  await expect(run('rank', 1, { worker })).rejects.toThrow('runGroup: worker 0 of 1 failed: its script cannot be loaded')
})

test('an abort ends workers that wait for ever', async () => {
  const controller = new AbortController()
  const report = () => controller.abort(new Error('interrupted'))
  await expect(run('hang', 2, { signal: controller.signal, report })).rejects.toThrow('interrupted')
})

test('without cross-origin isolation one worker runs, and more are refused with the headers that are missing', async () => {
  vi.stubGlobal('crossOriginIsolated', false)
  expect(await run('rank', 1)).toEqual({ rank: 0, size: 1 })
  await expect(run('rank', 2)).rejects.toThrow(
    'runGroup: 2 workers share memory, which needs a cross-origin isolated page; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use one worker',
  )
  await expect(run('rank', 0)).rejects.toThrow('runGroup: size must be a positive integer; got 0')
})
