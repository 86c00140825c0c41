import { createRng } from '@learngene/training'
import { describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.js'
import { planStages, type Stage, type StageContext, shareOfName, stageOfShare } from './plan.js'
import { runStages } from './run-stages.js'
import { statusOf } from './status.js'
import { unitsOf } from './units.js'

const none = async () => ({ files: {} })

const stage = (name: string, needs: readonly string[] = [], more: Partial<Stage> = {}): Stage => ({
  name,
  needs,
  settings: {},
  run: none,
  ...more,
})

const stages = [
  stage('ancestor', [], { fingerprints: { ancestor: 'f' } }),
  stage('tier:a', ['ancestor']),
  stage('tier:b', ['ancestor']),
  stage('evaluate', ['tier:a', 'tier:b'], { share: none }),
  stage('choose', ['evaluate']),
]

const listed = async (stands: readonly string[], shares?: number) =>
  unitsOf(await planStages(stages), { stands: new Set(stands), shares }).map(({ stage, wave }) => `${wave} ${stage}`)

describe('units', () => {
  it('are the stages but the last, in waves whose units need nothing of each other', async () => {
    expect(await listed([])).toEqual(['0 ancestor', '1 tier:a', '1 tier:b', '2 evaluate'])
  })

  it('are shares of what can be cut, before the whole', async () => {
    const expected = ['0 ancestor', '1 tier:a', '1 tier:b', '2 evaluate.1of2', '2 evaluate.2of2', '3 evaluate']
    expect(await listed([], 2)).toEqual(expected)
  })

  it('leave out what stands', async () => {
    expect(await listed(['ancestor', 'tier:b'])).toEqual(['0 tier:a', '1 evaluate'])
    expect(await listed(['ancestor', 'tier:a', 'tier:b', 'evaluate'])).toEqual([])
  })

  it('name what they read by hash', async () => {
    const plan = await planStages(stages)
    const [ancestor, tier] = unitsOf(plan, { stands: new Set() })
    expect(ancestor).toMatchObject({ key: plan[0]!.key, inputs: { ancestor: 'f' } })
    expect(tier!.inputs).toEqual({ ancestor: plan[0]!.key })
  })

  it.each([0, 1.5, -1])('cannot be cut into %d shares', async (shares) => {
    await expect(listed([], shares)).rejects.toThrow(`units: shares must be a positive integer; got ${shares}`)
  })
})

it.each(['evaluate.0of2', 'evaluate.3of2', 'evaluate', '.1of2', 'tier:w12'])('%s is the name of no share', (name) => {
  expect(shareOfName(name)).toBeUndefined()
})

describe('a stage that others may run', () => {
  it('is run by one, and the others find it made', async () => {
    const store = memoryStore()
    let runs = 0
    const made = stage('tier:a', [], {
      async run() {
        runs += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
        return { files: {} }
      },
    })
    let held = Promise.resolve()
    const lock = async () => {
      const before = held
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      await before
      return { release: async () => release() }
    }
    const run = () => runStages([made], { store, rng: createRng(0), lock })
    const outcomes = await Promise.all([run(), run(), run()])
    expect(runs).toBe(1)
    expect(outcomes.flat().filter(({ ran }) => ran)).toHaveLength(1)
  })

  it('lets others in when it throws, and asks for no lock where its input is missing', async () => {
    const events: string[] = []
    const lock = async (name: string) => {
      events.push(`lock ${name}`)
      return { release: async () => void events.push('release') }
    }
    const fails = stage('tier:a', [], { run: () => Promise.reject(new Error('no memory')) })
    const options = { store: memoryStore(), rng: createRng(0), lock }
    await expect(runStages([fails], options)).rejects.toThrow('no memory')
    expect(events).toEqual(['lock tier:a', 'release'])
    await expect(runStages([fails, stage('tune', ['tier:a'])], { ...options, only: ['tune'] })).rejects.toThrow(
      "'tune' needs 'tier:a', which has not run",
    )
    expect(events).toHaveLength(2)
  })
})

it('a stage finds its own shares, not those of another key, and they are gone when it stands', async () => {
  const found: string[][] = []
  const evaluate = (settings: number): Stage =>
    stage('evaluate', [], {
      settings,
      async run({ shares }: StageContext) {
        found.push((await shares()).map(({ stage }) => stage))
        return { files: {} }
      },
      share: none,
    })
  const store = memoryStore()
  for (const [settings, part] of [
    [1, 1],
    [2, 2],
  ] as const) {
    const [whole] = await planStages([evaluate(settings)])
    const share = stageOfShare(whole!, { part, of: 2 })
    await runStages([evaluate(settings), share], { store, rng: createRng(0), only: [share.name] })
  }
  await runStages([evaluate(1)], { store, rng: createRng(0) })
  expect(found).toEqual([['evaluate.1of2']])
  expect((await store.list()).map(({ stage }) => stage)).toEqual(['evaluate', 'evaluate.2of2'])
  expect((await statusOf([evaluate(1)], store)).next).toBeUndefined()
})
