import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runDefaults } from './config.js'
import { stepsOf, type TuneWhen, tuneRun } from './tune-run.js'

const plan = { epochs: 10, batchSize: 50, learningRate: 1e-3 }
const config = {
  ...runDefaults,
  ...{ ancestor: 'embedded', images: { training: 'embedded' }, fineTuning: plan, distillation: plan },
  tiers: [
    { width: 48, epochs: 20 },
    { width: 24, epochs: 10 },
  ],
} as unknown as Parameters<typeof tuneRun>[0]['config']

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'learngene-tune-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What a run says where the process does so. */
async function said(when: TuneWhen, images: number, isNew: boolean, code: string): Promise<string[]> {
  const file = join(folder, `${Math.random()}.mjs`)
  await writeFile(file, code)
  const texts: string[] = []
  const report = (event: { kind: string; text?: string }) => void texts.push(event.text!)
  await tuneRun({ when, config, images, isNew, module: pathToFileURL(file), report: report as never })
  return texts
}

const measures = `process.once('message', ({ seconds, software }) => process.send({ device: \`GPU \${software}\`, measured: seconds, seconds: 3.2, file: 'f' }))`

it('counts the steps of distilling and fine-tuning', () => {
  expect(stepsOf(config, 5000)).toBe(30 * 100 + 10 * 100)
})

it('tunes a new run whose training is long, and says so in one line', async () => {
  expect(await said('auto', 5000, true, measures)).toEqual(['tuned 20 products for GPU false in 3 s; kept in f'])
  expect(await said('auto', 500, true, measures)).toEqual([])
  expect(await said('auto', 5000, false, measures)).toEqual([])
  expect(await said('never', 5000, true, measures)).toEqual([])
  expect(await said('always', 500, true, measures)).toEqual(['tuned 20 products for GPU true in 3 s; kept in f'])
})

it('goes on where there is no tuning, or it crashes', async () => {
  const skips = `process.once('message', () => process.send({ skipped: 'the adapter computes on the CPU' }))`
  expect(await said('always', 5000, true, skips)).toEqual(['products are not tuned: the adapter computes on the CPU'])
  expect(await said('always', 5000, true, 'process.exit(3)')).toEqual(['products are not tuned: exit code 3'])
  expect(await said('always', 5000, true, `process.kill(process.pid, 'SIGKILL')`)).toEqual(['products are not tuned: ended by SIGKILL'])
})
