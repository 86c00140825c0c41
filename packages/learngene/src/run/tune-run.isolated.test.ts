import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { askProcess } from '../ask-process.js'
import { run } from '../io.fixture.js'
import { runDefaults } from './config.js'
import { stepsOf, type TuneRunRequest, type TuneWhen, tuneRun } from './tune-run.js'

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
async function said(when: TuneWhen, images: number, isNew: boolean, code: string, limitSeconds?: number): Promise<string[]> {
  const file = join(folder, `${Math.random()}.mjs`)
  await writeFile(file, code)
  const texts: string[] = []
  const report = (event: { kind: string; text?: string }) => void texts.push(event.text!)
  const given = { when, config, images, classes: 10, workers: 1, isNew, ...(limitSeconds && { limitSeconds }) }
  await tuneRun({ ...given, module: pathToFileURL(file), report: report as never })
  return texts
}

const measures = `process.once('message', ({ seconds, software }) => process.send({ device: \`GPU \${software}\`, measured: seconds, shapes: 31, seconds: 3.2, file: 'f' }))`

it('counts the steps of distilling and fine-tuning, and of an ancestor that is trained', () => {
  expect(stepsOf(config, 5000)).toBe(30 * 100 + 10 * 100)
  const model = { training: { ...plan, epochs: 7, batchSize: 100 } } as typeof config.model
  expect(stepsOf({ ...config, ancestor: 'train', model }, 5000)).toBe(7 * 50 + 30 * 100 + 10 * 100)
})

it('tunes a new run whose training is long, and says so in one line', async () => {
  expect(await said('auto', 5000, true, measures)).toEqual(['tuned 20 of 31 products for GPU false in 3 s; kept in f'])
  expect(await said('auto', 500, true, measures)).toEqual([])
  expect(await said('auto', 5000, false, measures)).toEqual([])
  expect(await said('never', 5000, true, measures)).toEqual([])
  expect(await said('always', 500, true, measures)).toEqual(['tuned 20 of 31 products for GPU true in 3 s; kept in f'])
})

it('says where what it measured is not kept', async () => {
  expect(await said('always', 500, true, measures.replace("'f'", 'null'))).toEqual([
    'tuned 20 of 31 products for GPU true in 3 s; not kept',
  ])
})

it('goes on where there is no tuning, or it crashes or hangs', async () => {
  const skips = `process.once('message', () => process.send({ skipped: 'the adapter computes on the CPU' }))`
  expect(await said('always', 5000, true, skips)).toEqual(['products are not tuned: the adapter computes on the CPU'])
  expect(await said('always', 5000, true, 'process.exit(3)')).toEqual(['products are not tuned: exit code 3'])
  expect(await said('always', 5000, true, `process.kill(process.pid, 'SIGKILL')`)).toEqual(['products are not tuned: ended by SIGKILL'])
  const hangs = `console.error('a warning'); process.once('message', () => { for (;;); })`
  expect(await said('always', 5000, true, hangs, 0.5)).toEqual(['products are not tuned: no answer within 0.5 s'])
})

const built = new URL('../../dist/run/tune-process.js', import.meta.url)
const hasWebgpu = JSON.parse((await run(['backends', '--json'])).stdout).backends[1].available as boolean
const missing = !existsSync(built) ? ' (skipped: packages/learngene/dist is not built)' : hasWebgpu ? '' : ' (skipped: webgpu cannot start)'

it.skipIf(missing !== '')(`looks at what takes the run's time in a process of its own, and keeps what it finds${missing}`, async () => {
  vi.stubEnv('XDG_CACHE_HOME', folder)
  const tiers = [{ width: 12, depth: 1, epochs: 1 }]
  const request: TuneRunRequest = {
    config: { ...config, tiers, distillation: { ...plan, batchSize: 2 }, fineTuning: { ...plan, batchSize: 3 } },
    ...{ images: 200, classes: 10, workers: 1, seconds: 1 },
    software: true,
  }
  try {
    // A software adapter compiles the plans of one product longer than this; learngene tune measures some in its own test.
    const answer = await askProcess(built, request, (stderr, ended) => `${ended}: ${stderr}`, { seconds: 280 })
    expect(answer).toMatchObject({
      device: expect.stringMatching(/\S/),
      shapes: expect.any(Number),
      measured: expect.any(Number),
      seconds: expect.any(Number),
    })
    const kept = JSON.parse(readFileSync((answer as { file: string }).file, 'utf8'))
    expect(kept).toMatchObject({ schema: 1, adapter: expect.anything() })
    expect(Object.keys(kept.plans)).toHaveLength((answer as { measured: number }).measured)
  } finally {
    vi.unstubAllEnvs()
  }
})
