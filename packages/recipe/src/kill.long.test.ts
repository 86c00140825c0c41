import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '@learngene/testing/bundle'
import { killAndResume } from '@learngene/testing/kill-and-resume'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { diskMetrics } from './disk-metrics.js'
import { diskStore } from './disk-store.js'
import { killableStages } from './killable-stages.fixture.js'
import { statusOf } from './status.js'

let program: URL
let dir: string
beforeAll(async () => {
  program = await bundle(import.meta.url, ['kill.fixture'])
  dir = await mkdtemp(join(tmpdir(), 'killed-'))
})
afterAll(() => Promise.all([rm(program, { recursive: true }), rm(dir, { recursive: true, force: true })]))

/** Steps that a run has behind it for good, by its folder. */
const progress = new Map<string, number>()

/** Nothing that can be read is damaged: artifacts are whole or absent, a checkpoint is one. And nothing that was reached is lost. */
async function check(run: string): Promise<void> {
  const store = diskStore(run)
  let steps = 0
  for (const each of (await statusOf(killableStages(), store)).stages) {
    if ('problem' in each) throw new Error(each.problem)
    if (each.state === 'stale') throw new Error(`'${each.stage}' is stale`)
    if (each.state === 'done') await (await store.read(each.stage)).verify()
    if (each.state === 'checkpoint' && (await store.loadCheckpoint(each.stage, each.key)).state !== 'whole') {
      throw new Error(`the checkpoint of '${each.stage}' is damaged`)
    }
    steps += each.state === 'done' ? 1000 : each.state === 'checkpoint' ? each.step : 0
  }
  const before = progress.get(run) ?? 0
  if (steps < before) throw new Error(`the run had come to ${before} and is at ${steps}`)
  progress.set(run, steps)
}

/** All that a run ends with, but for times. */
async function outcome(run: string): Promise<unknown> {
  const artifacts = await diskStore(run).list()
  const lines = await diskMetrics(run).read()
  return {
    left: (await readdir(run)).sort(),
    checkpoints: await readdir(join(run, '.checkpoints')),
    artifacts: artifacts.map(({ stage, info, manifest: { key, files, account } }) => [
      stage,
      key,
      files,
      info,
      account?.images,
      account?.macs,
    ]),
    metrics: lines.map(({ stage, step, values }) => [stage, step, values]),
    boards: await Promise.all(
      artifacts.map(({ stage }) => readdir(join(run, 'tensorboard', stage.replace(':', '-'))).then((files) => files.length)),
    ),
  }
}

// LEARNGENE_KILLS=100 for more.
const kills = Number(process.env.LEARNGENE_KILLS ?? 3)
const seed = Number(process.env.LEARNGENE_KILL_SEED ?? 1)

it(`a run that is killed at any moment ends as if it had not been (${kills} kills)`, { timeout: 60_000 + kills * 10_000 }, async () => {
  const args = (run: string) => [fileURLToPath(new URL('kill.fixture.js', program)), run]
  const report = await killAndResume({ command: process.execPath, args, dir, kills, seed, check, outcome })
  expect(report.kills).toBe(kills)
  expect(await outcome(join(dir, 'undisturbed'))).toMatchObject({
    left: ['.checkpoints', 'ancestor', 'features', 'metrics.jsonl', 'pool', 'tensorboard', 'tier-w192', 'tier-w384', 'tune'],
    checkpoints: [],
    boards: [1, 1, 1, 1, 1, 1],
  })
})
