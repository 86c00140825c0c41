import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportEvent } from '@learngene/interfaces'
import { bundle } from '@learngene/testing/bundle'
import { createRng } from '@learngene/training'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { diskMetrics } from './disk-metrics.js'
import { diskStore } from './disk-store.js'
import type { GroupInput } from './group.fixture.js'
import type { StageOutcome } from './run-stages.js'

let built: URL
let runGroup: typeof import('@learngene/training/node').runGroup
let root: string
let dir: string
let events: ReportEvent[]
beforeAll(async () => {
  built = await bundle(import.meta.url, ['../../training/src/node', '../../training/src/member', 'group.fixture'])
  runGroup = (await import(/* @vite-ignore */ new URL('node.js', built).href)).runGroup
  root = await mkdtemp(join(tmpdir(), 'group-'))
})
afterAll(() => Promise.all([rm(built, { recursive: true }), rm(root, { recursive: true })]))
beforeEach(async () => {
  dir = await mkdtemp(join(root, 'run-'))
  events = []
})

const run = (size: number, input: Partial<GroupInput> = {}) =>
  runGroup<readonly StageOutcome[]>({
    ...{ size, module: new URL('group.fixture.js', built), input: { dir, ...input } },
    report: (event) => events.push(event),
  })
const outcomes = (...ran: boolean[]) => ['ancestor', 'tier'].map((stage, i) => ({ stage, ran: ran[i] }))
/** The mean over three ranks of the rank and a draw, twice, in six steps. */
const expected = () => {
  const rng = createRng(0).fork('tier')
  return [1, 2, 3, 4, 5, 6].reduce((sum, step) => sum + 2 * (1 + rng.fork(`${step}`).integer(3)), 0)
}

it('runs stages once, with what rank 0 returns as the artifact', async () => {
  expect(await run(3)).toEqual(outcomes(true, true))
  expect(events.filter(({ kind }) => kind === 'stage')).toHaveLength(2)
  const store = diskStore(dir)
  expect(await (await store.read('ancestor')).read('state')).toEqual(Uint8Array.of(0))
  const tier = await store.read('tier')
  expect([await tier.read('state'), tier.info]).toEqual([Uint8Array.of(expected()), { rank: 0 }])
  expect(tier.manifest.account).toMatchObject({ images: 24 })
  expect((await diskMetrics(dir).read()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
  expect(await run(3)).toEqual(outcomes(false, false))
  expect(await run(1)).toEqual(outcomes(false, false))
})

it('goes on from a checkpoint together', async () => {
  await expect(run(3, { stopAt: 5 })).rejects.toThrow('interrupted')
  expect(await diskStore(dir).findCheckpoint('tier')).toMatchObject({ value: { step: 4, account: { images: 16 } } })
  expect(await run(3)).toEqual(outcomes(false, true))
  expect(events).toContainEqual({ kind: 'message', text: 'tier goes on after step 4' })
  const tier = await diskStore(dir).read('tier')
  expect(await tier.read('state')).toEqual(Uint8Array.of(expected()))
  expect(tier.manifest.account).toMatchObject({ images: 24 })
  expect((await diskMetrics(dir).read()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
})

it('refuses members with other recipes rather than wait for ever', async () => {
  await expect(run(2, { other: true })).rejects.toThrow(
    "all members of a group must run the same recipe; worker 1 has other settings of 'tier' than worker 0",
  )
})
