import type { ReportEvent } from '@learngene/interfaces'
import { createRng } from '@learngene/training'
import { beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.js'
import { type MetricsLog, memoryMetrics } from './metrics.js'
import type { Stage, StageContext } from './plan.js'
import { runStages } from './run-stages.js'
import { statusOf } from './status.js'
import type { ArtifactStore } from './store.js'

let store: ArtifactStore
let events: ReportEvent[]
let ran: string[]
beforeEach(() => {
  store = memoryStore()
  events = []
  ran = []
})

const text = (value: string) => new TextEncoder().encode(value)
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A stage whose artifact says what it read and drew. */
function stage(name: string, needs: readonly string[] = [], more: Partial<Stage> = {}): Stage {
  return {
    name,
    needs,
    settings: { depth: 1 },
    async run({ rng }, inputs) {
      ran.push(name)
      const parts = await Promise.all(Object.values(inputs).map(async (input) => read(await input.read('made'))))
      return { files: { made: text(`${name}(${parts.join(',')})`) }, info: { drawn: rng.uniform() } }
    },
    ...more,
  }
}

const recipe = (settings: { readonly [name: string]: number } = {}): Stage[] =>
  [
    stage('tune', ['tier:a', 'tier:b']),
    stage('tier:a', ['ancestor']),
    stage('tier:b', ['ancestor']),
    stage('ancestor'),
    stage('other'),
  ].map((each) => ({ ...each, settings: { depth: settings[each.name] ?? 1 } }))

const run = (stages: readonly Stage[], options: Partial<Parameters<typeof runStages>[1]> = {}) =>
  runStages(stages, { store, rng: createRng(0), report: (event) => events.push(event), ...options })
const messages = () => events.flatMap((event) => (event.kind === 'message' ? [event.text] : []))
const made = async (name: string) => read(await (await store.read(name)).read('made'))

it('runs stages after what they need, once', async () => {
  await run(recipe())
  expect(ran).toEqual(['ancestor', 'tier:a', 'tier:b', 'tune', 'other'])
  expect(await made('tune')).toBe('tune(tier:a(ancestor()),tier:b(ancestor()))')
  expect(events.filter(({ kind }) => kind === 'stage')).toHaveLength(5)
  const outcomes = await run(recipe())
  expect(ran).toHaveLength(5)
  expect(outcomes).toEqual(['ancestor', 'tier:a', 'tier:b', 'tune', 'other'].map((stage) => ({ stage, ran: false })))
})

it('runs what has changed, and what depends on it, and nothing else; what is no stage any more stays', async () => {
  await run(recipe())
  ran = []
  await run(recipe({ 'tier:b': 2 }).filter(({ name }) => name !== 'other'))
  expect(ran).toEqual(['tier:b', 'tune'])
  expect(await made('other')).toBe('other()')
  const rngs = await Promise.all(['tier:a', 'tier:b'].map(async (name) => (await store.read(name)).info.drawn))
  expect(rngs).toEqual(['tier:a', 'tier:b'].map((name) => createRng(0).fork(name).uniform()))
})

it('runs what an input from outside has changed', async () => {
  const stages = (data: string) => [stage('features', [], { fingerprints: { data } }), stage('tier', ['features'])]
  await run(stages('one'))
  ran = []
  await run(stages('one'))
  await run(stages('two'))
  expect(ran).toEqual(['features', 'tier'])
})

it('runs what is damaged again, and says so', async () => {
  await run(recipe())
  ran = []
  const damaged: ArtifactStore = {
    ...store,
    find: async (name) => (name === 'tier:a' && ran.length === 0 ? { state: 'damaged', problem: 'tier-a is damaged' } : store.find(name)),
  }
  await run(recipe(), { store: damaged })
  expect(ran).toEqual(['tier:a'])
  expect(messages()).toContain('tier-a is damaged')
})

it('runs again what has other bytes than it was written with, which its size does not tell', async () => {
  await run(recipe())
  ran = []
  const damaged: ArtifactStore = {
    ...store,
    async find(name) {
      const found = await store.find(name)
      if (name !== 'tier:a' || ran.length > 0 || found.state !== 'whole') return found
      return { state: 'whole', value: { ...found.value, verify: () => Promise.reject(new Error('tier-a/made is damaged')) } }
    },
  }
  await run(recipe(), { store: damaged })
  expect(ran).toEqual(['tier:a'])
  expect(messages()).toContain('tier-a/made is damaged; it counts as absent')
})

describe('only some', () => {
  it('runs these and no others', async () => {
    await run(recipe(), { only: ['ancestor'] })
    const outcomes = await run(recipe(), { only: ['tier:a', 'ancestor'] })
    expect(outcomes).toEqual([
      { stage: 'ancestor', ran: false },
      { stage: 'tier:a', ran: true },
    ])
    expect(ran).toEqual(['ancestor', 'tier:a'])
  })

  it('says what must stand and does not', async () => {
    await expect(run(recipe(), { only: ['tier:a'] })).rejects.toThrow(/^'tier:a' needs 'ancestor', which has not run; run it first$/)
    await run(recipe())
    await expect(run(recipe({ ancestor: 2 }), { only: ['tier:a'] })).rejects.toThrow(
      /^'tier:a' needs 'ancestor' with key [0-9a-f]{8}; the one in memory has key [0-9a-f]{8}, as the recipe was another; run 'ancestor' again$/,
    )
    await expect(run(recipe(), { only: ['tier:c'] })).rejects.toThrow(
      "only must name stages; 'tier:c' is none. The stages are ancestor, tier:a",
    )
  })
})

describe('a stage that is interrupted', () => {
  let stopAt: number
  let first: number[]
  const training = stage('tier', [], {
    steps: 6,
    async run({ checkpoint, account, metrics }: StageContext) {
      const done = checkpoint.last ? [...checkpoint.last.content] : []
      first.push(done.length)
      while (done.length < 6) {
        if (done.length === stopAt) throw new Error('interrupted')
        done.push(done.length * 2)
        account.add({ images: 10, macs: 100 })
        metrics(done.length, { loss: 1 / done.length })
        if (done.length % checkpoint.every === 0) await checkpoint.save(Uint8Array.from(done), { step: done.length })
      }
      return { files: { done: Uint8Array.from(done) } }
    },
  })
  let metrics: MetricsLog
  const steps = async () => (await metrics.read()).map(({ step }) => step)
  beforeEach(() => {
    stopAt = 5
    first = []
    metrics = memoryMetrics()
  })

  it('goes on from its checkpoint, with its account and its metrics', async () => {
    await expect(run([training], { checkpointEvery: 2, metrics })).rejects.toThrow('interrupted')
    expect((await statusOf([training], store)).stages[0]).toMatchObject({ state: 'checkpoint', step: 4, total: 6, account: { images: 40 } })
    expect(await steps()).toEqual([1, 2, 3, 4, 5])
    stopAt = -1
    await run([training], { checkpointEvery: 2, metrics })
    expect(first).toEqual([0, 4])
    expect(messages()).toContain('tier goes on after step 4')
    expect(events.filter(({ kind }) => kind === 'stage')).toMatchObject([{}, { done: 4 }])
    const artifact = await store.read('tier')
    expect(await artifact.read('done')).toEqual(Uint8Array.of(0, 2, 4, 6, 8, 10))
    expect(artifact.manifest.account).toMatchObject({ images: 60, macs: 600, seconds: expect.any(Number), peakBytes: expect.any(Number) })
    expect(await steps()).toEqual([1, 2, 3, 4, 5, 6])
    expect(await store.findCheckpoint('tier')).toEqual({ state: 'absent' })
  })

  it('begins again where its settings have changed, or the checkpoint is damaged', async () => {
    await expect(run([training], { checkpointEvery: 2 })).rejects.toThrow('interrupted')
    await expect(run([{ ...training, settings: 2 }], { checkpointEvery: 8 })).rejects.toThrow('interrupted')
    stopAt = -1
    const damaged: ArtifactStore = { ...store, loadCheckpoint: async () => ({ state: 'damaged', problem: 'the checkpoint is damaged' }) }
    await run([training], { store: damaged })
    expect(first).toEqual([0, 0, 0])
    expect(messages()).toContain('the checkpoint is damaged')
  })
})

it('stops between stages when it is aborted', async () => {
  const controller = new AbortController()
  const stopping = stage('ancestor', [], {
    run: async () => {
      controller.abort(new Error('enough'))
      return { files: {} }
    },
  })
  await expect(run([stopping, stage('tier', ['ancestor'])], { signal: controller.signal })).rejects.toThrow('enough')
  expect((await statusOf([stopping, stage('tier', ['ancestor'])], store)).next).toBe('tier')
  expect(ran).toEqual([])
})

it('refuses what cannot be right', async () => {
  await expect(run([], { rng: undefined as never })).rejects.toThrow(/^runStages: rng must be a generator of random numbers/)
  await expect(run([], { store: undefined as never })).rejects.toThrow(/^runStages: store must be an object/)
  await expect(run([], { checkpointEvery: 0 })).rejects.toThrow('runStages: checkpointEvery must be a positive integer; got 0')
  await expect(run([], { checkpoints: 3 } as never)).rejects.toThrow("runStages: there is no option 'checkpoints'")
})

describe('the status', () => {
  const states = async (stages: readonly Stage[]) =>
    Object.fromEntries((await statusOf(stages, store)).stages.map((each) => [each.stage, each]))

  it('says of each stage whether it stands, and which one is next', async () => {
    expect((await statusOf(recipe(), store)).next).toBe('ancestor')
    await run(recipe(), { only: ['ancestor'] })
    const { stages, next } = await statusOf(recipe(), store)
    expect(stages.map(({ stage, state }) => [stage, state])).toEqual([
      ['ancestor', 'done'],
      ...['tier:a', 'tier:b', 'tune', 'other'].map((name) => [name, 'missing']),
    ])
    expect(next).toBe('tier:a')
    expect(stages[0]).toMatchObject({ account: { images: 0, macs: 0 }, created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), needs: [] })
    await run(recipe())
    expect((await statusOf(recipe(), store)).next).toBeUndefined()
  })

  it('names what has changed', async () => {
    await run([...recipe(), stage('features', [], { fingerprints: { data: '1' } })])
    const found = await states([...recipe({ 'tier:b': 2 }), stage('features', [], { fingerprints: { data: '2' } })])
    expect(found['tier:a']).toMatchObject({ state: 'done' })
    expect(found['tier:b']).toMatchObject({ state: 'stale', changed: ['settings.depth'] })
    expect(found.tune).toMatchObject({ state: 'stale', changed: ['tier:b'] })
    expect(found.features).toMatchObject({ state: 'stale', changed: ['data'] })
  })

  it('says what is damaged', async () => {
    const problem = 'tier-a is damaged'
    const damaged: ArtifactStore = { ...store, find: async () => ({ state: 'damaged', problem }) }
    const stages = [stage('tier:a', [], { steps: 4 })]
    expect((await statusOf(stages, damaged)).stages[0]).toMatchObject({ state: 'missing', problem })
    const { key } = (await statusOf(stages, store)).stages[0]!
    await store.saveCheckpoint('tier:a', key, text(''), { step: 3 })
    expect((await statusOf(stages, damaged)).stages[0]).toMatchObject({ state: 'checkpoint', step: 3, problem })
  })
})
