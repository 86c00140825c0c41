import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ReportEvent } from '@learngene/interfaces'
import { bundle } from '@learngene/testing/bundle'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunGroupOptions } from './run-group.js'

let folder: URL
let runGroup: typeof import('./run-group.js').runGroup

beforeAll(async () => {
  folder = await bundle(import.meta.url, ['node', 'member', 'programs.fixture'])
  const built = await import(/* @vite-ignore */ new URL('node.js', folder).href)
  runGroup = built.runGroup
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = <Result = unknown>(program: string, size: number, options: Partial<RunGroupOptions> = {}) =>
  runGroup<Result>({ size, module: new URL('programs.fixture.js', folder), input: { program }, ...options })

test.each([1, 3])('%d members: the result is that of rank 0', async (size) => {
  expect(await run('rank', size)).toEqual({ rank: 0, size })
})

test.each([1, 2, 3])('%d members get the same bits from mean and sum, of any length', async (size) => {
  const { createRng } = await import('./rng.js')
  const results = await run<{ mean: number[]; sum: number[]; long: boolean }[]>('collect', size)
  const rngs = Array.from({ length: size }, (_, rank) => createRng(0).fork(`rank ${rank}`))
  for (const [i, length] of [0, 1, 5, 300_000].entries()) {
    const draw = () => rngs.map((rng) => Array.from({ length }, () => rng.uniform() - 0.5))
    const total = (arrays: ArrayLike<number>[]) =>
      Array.from({ length: Math.min(5, length) }, (_, k) => arrays.reduce((sum, array) => sum + array[Math.max(0, length - 5) + k]!, 0))
    const expectedMean = total(draw().map((values) => Float32Array.from(values))).map((value) => Math.fround(value * (1 / size)))
    expect(results[i]).toEqual({ mean: expectedMean, sum: total(draw()), long: true })
  }
})

test('members that come at different times never mix up their rounds', async () => {
  expect(await run('race', 3)).toBe(6 * ((1999 * 2000) / 2))
})

test('two groups at the same time keep apart', async () => {
  const results = await Promise.all([run('race', 2), run('race', 3)])
  expect(results).toEqual([3 * ((1999 * 2000) / 2), 6 * ((1999 * 2000) / 2)])
})

test('two workers train as one does at the same global batch', async () => {
  type Trained = { losses: Float32Array; values: { [name: string]: number[] } }
  const [one, two] = await Promise.all([run<Trained>('train', 1), run<Trained>('train', 2)])
  expect(two.losses).toHaveLength(10)
  one.losses.forEach((loss, i) => void expect(Math.abs(two.losses[i]! - loss)).toBeLessThan(1e-5))
  for (const [name, values] of Object.entries(one.values)) {
    values.forEach((value, i) => void expect(Math.abs(two.values[name]![i]! - value)).toBeLessThan(1e-5))
  }
  expect(await run('train', 2)).toEqual(two)
})

test('reports come from rank 0: stages and messages all, progress now and then and at the end', async () => {
  const events: ReportEvent[] = []
  await run('report', 2, { report: (event) => events.push(event) })
  expect(events[0]).toEqual({ kind: 'stage', name: 'first', total: 1000 })
  const progress = events.flatMap((event) => (event.kind === 'progress' ? [event.done] : []))
  expect([progress[0], progress.at(-1)]).toEqual([1, 1000])
  expect(progress.length).toBeLessThan(20)
  expect(events.flatMap((event) => (event.kind === 'message' ? [event.text] : []))).toEqual(
    Array.from({ length: 20 }, (_, i) => `message ${i}`),
  )
})

test.each([
  ['throw', 'the images are too small', 1],
  ['exit', 'runGroup: worker 1 of 2 ended with exit code 0 before main returned', 1],
  ['stuck', 'runGroup: worker 0 of 2 ended with exit code', 0],
  ['leave', 'Group: all workers must make the same calls; worker 0 waits in mean but worker 1 has ended', 0],
  ['unsendable', 'could not be cloned', 0],
])('%s: the group ends with the error and the rank', async (program, message, rank) => {
  const error = await run(program, 2).catch((error) => error)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ message: expect.stringContaining(message), rank })
})

test('the type of a thrown error survives', async () => {
  await expect(run('throw', 2)).rejects.toThrow(RangeError)
})

test('a worker out of memory ends the group', async () => {
  await expect(run('memory', 2, { resourceLimits: { maxOldGenerationSizeMb: 24 } })).rejects.toMatchObject({
    code: 'ERR_WORKER_OUT_OF_MEMORY',
    rank: 1,
  })
})

test.each([
  ['lengths', /called mean with [34] values, worker [01] mean with [34]/],
  ['calls', /called (mean with 3 values, worker 1 barrier with 0|barrier with 0 values, worker 0 mean with 3)/],
  ['shares', /asked for (8|9) bytes 'x', another one for (8|9) bytes 'x'/],
])('members that disagree on %s are told so', async (program, message) => {
  await expect(run(program, 2)).rejects.toThrow(message)
})

test('an abort ends workers that wait for ever', async () => {
  const controller = new AbortController()
  const report = () => controller.abort(new Error('interrupted'))
  await expect(run('hang', 2, { signal: controller.signal, report })).rejects.toThrow('interrupted')
  await expect(run('rank', 2, { signal: controller.signal })).rejects.toThrow('interrupted')
})

test('bad options are refused', async () => {
  await expect(run('rank', 2, { module: './program.js' as never })).rejects.toThrow(
    "runGroup: module must be a URL, for example new URL('./program.js', import.meta.url); got './program.js'",
  )
  await expect(run('rank', 0)).rejects.toThrow('runGroup: size must be a positive integer; got 0')
  await expect(run('rank', 2, { input: { program: () => {} } })).rejects.toThrow('could not be cloned')
  await expect(run('rank', 2, { module: new URL('node.js', folder) })).rejects.toThrow(
    /runGroup: the module must export a function main\(group, input, report\); file:.*node.js does not/,
  )
  await expect(run('rank', 2, { module: new URL('nothing.js', folder) })).rejects.toThrow(/Cannot find module .*nothing.js/)
})

test('the process ends by itself after a group has ended, well or not', async () => {
  const script = new URL('script.mjs', folder)
  await writeFile(
    script,
    `import { runGroup } from './node.js'
     const run = (program) => runGroup({ size: 2, module: new URL('./programs.fixture.js', import.meta.url), input: { program } })
     console.log(await run('rank'))
     console.log(await run('throw').catch((error) => error.message))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(script)], { timeout: 20_000 })
  expect(stdout).toBe('{ rank: 0, size: 2 }\nthe images are too small\n')
})
