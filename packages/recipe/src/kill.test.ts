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

/** Nothing that can be read is damaged: artifacts are whole or absent, a checkpoint is one, numbers come once and in order. */
async function check(run: string): Promise<void> {
  const store = diskStore(run)
  for (const { stage, state, key, ...status } of (await statusOf(killableStages(), store)).stages) {
    if (state === 'done') await (await store.read(stage)).verify()
    else if ('problem' in status) throw new Error(status.problem)
    else if (state === 'stale') throw new Error(`'${stage}' is stale`)
    else if (state === 'checkpoint' && (await store.loadCheckpoint(stage, key)).state !== 'whole')
      throw new Error(`'${stage}' has lost its checkpoint`)
  }
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
const kills = Number(process.env.LEARNGENE_KILLS ?? 20)
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
