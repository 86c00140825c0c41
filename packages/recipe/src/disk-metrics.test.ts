import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { diskMetrics } from './disk-metrics.js'
import type { MetricsLog } from './metrics.js'
import { eventFileStart, eventRecords } from './tensorboard.js'

let root: string
let dir: string
let path: string
let log: MetricsLog
beforeEach(async () => {
  vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['Date'] })
  root = await mkdtemp(join(tmpdir(), 'metrics-'))
  dir = join(root, 'mine')
  path = join(dir, 'metrics.jsonl')
  log = diskMetrics(dir)
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(root, { recursive: true })
})

const add = (stage: string, steps: readonly number[], to = log) => {
  for (const step of steps) to.add({ stage, step, values: { loss: 1 / step } })
}
const kept = async (from = log) => (await from.read()).map(({ stage, step }) => `${stage} ${step}`)
const line = (stage: string, step: number) => ({ stage, step, time: 1_700_000_000, values: { loss: 1 / step } })
const text = (stage: string, step: number) => `${JSON.stringify(line(stage, step))}\n`
const events = async (folder: string) => {
  const names = await readdir(join(dir, 'tensorboard', folder))
  expect(names).toEqual([expect.stringMatching(/^events\.out\.tfevents\.1700000000\../)])
  return new Uint8Array(await readFile(join(dir, 'tensorboard', folder, names[0]!)))
}
const expected = (stage: string, steps: readonly number[]) =>
  new Uint8Array(Buffer.concat([eventFileStart(1_700_000_000), ...steps.map((step) => eventRecords([line(stage, step)]))]))

it('keeps lines in order, as JSON and as events of each stage', async () => {
  add('tier:a', [1, 2])
  add('tune', [1])
  add('tier:a', [3])
  await log.flush()
  expect(await readFile(path, 'utf8')).toBe(text('tier:a', 1) + text('tier:a', 2) + text('tune', 1) + text('tier:a', 3))
  expect(await events('tier-a')).toEqual(expected('tier:a', [1, 2, 3]))
  expect(await events('tune')).toEqual(expected('tune', [1]))
  expect(await log.read()).toContainEqual(line('tune', 1))
})

it('drops what will be said again, of one stage', async () => {
  add('tier:a', [1, 2, 3])
  add('tune', [1, 2, 3])
  await log.rewind('tune', 1)
  expect(await kept()).toEqual(['tier:a 1', 'tier:a 2', 'tier:a 3', 'tune 1'])
  add('tune', [2])
  expect(await kept()).toEqual(['tier:a 1', 'tier:a 2', 'tier:a 3', 'tune 1', 'tune 2'])
  expect(await events('tune')).toEqual(expected('tune', [1, 2]))
  await log.rewind('tune', 0)
  expect(await kept()).toEqual(['tier:a 1', 'tier:a 2', 'tier:a 3'])
  expect(await readdir(join(dir, 'tensorboard'))).toEqual(['tier-a'])
})

it('reads past half a line that a killed process left, and writes none after it', async () => {
  add('tune', [1, 2])
  await log.flush()
  const whole = await readFile(path, 'utf8')
  for (let length = 1; length < text('tune', 3).length; length++) {
    await writeFile(path, whole + text('tune', 3).slice(0, length))
    const next = diskMetrics(dir)
    expect(await kept(next)).toEqual(['tune 1', 'tune 2'])
    if (length % 2) await next.rewind('tune', 2)
    add('tune', [3], next)
    await next.flush()
    expect(await readFile(path, 'utf8')).toBe(whole + text('tune', 3))
    expect(await events('tune')).toEqual(expected('tune', [1, 2, 3]))
  }
})

it('makes event files anew from the lines, whatever was left of them', async () => {
  add('tune', [1, 2])
  await log.flush()
  const [name] = await readdir(join(dir, 'tensorboard', 'tune'))
  await appendFile(join(dir, 'tensorboard', 'tune', name!), 'half a record')
  const next = diskMetrics(dir)
  await next.rewind('tune', 1)
  expect(await events('tune')).toEqual(expected('tune', [1]))
})

it('keeps numbers that are not finite as null', async () => {
  log.add({ stage: 'tune', step: 1, values: { loss: Number.NaN, norm: Number.POSITIVE_INFINITY } })
  await log.flush()
  expect(await readFile(path, 'utf8')).toContain('"values":{"loss":null,"norm":null}')
  expect((await log.read())[0]!.values).toEqual({ loss: Number.NaN, norm: Number.NaN })
})

it('refuses what is no line', () => {
  expect(() => add('tune', [0])).toThrow('metrics: a step must be a positive integer; got 0')
  expect(() => log.add({ stage: 'tune', step: 1, values: { loss: '1' as never } })).toThrow(
    "metrics: values must be numbers; 'loss' is '1'",
  )
})

it('tells in one line when lines cannot be kept', async () => {
  await writeFile(dir, 'mine')
  add('tune', [1])
  await expect(log.flush()).rejects.toThrow(/^\S+mine\/metrics.jsonl: [^\n]+$/)
})
