import type { RunReport } from '@learngene/recipe/reports'
import { describe, expect, it } from 'vitest'
import { compareRuns, differences } from './compare-runs.js'
import { sampleReport } from './sample.fixture.js'

const sample = sampleReport()
const run = (dir: string, changes: Partial<RunReport> = {}) => ({ name: dir, dir, report: { ...sample, ...changes } })

describe('runs side by side', () => {
  it('have the same budgets, those that any of them names', async () => {
    const [first, second] = await compareRuns([
      run('a', { choices: [{ budget: { macs: 8e6 }, path: 'x', macs: 1, testAccuracy: 0 }] }),
      run('b', {
        choices: [
          { budget: { macs: 2e6 }, path: 'x', macs: 1, testAccuracy: 0 },
          { budget: { macs: 100 }, path: 'x', macs: 1, testAccuracy: 0 },
        ],
      }),
    ])
    expect(first!.best.map(({ macs }) => macs)).toEqual([8e6, 2e6, 100])
    expect(second!.best).toEqual(first!.best)
    expect(first!.best.map(({ descendant }) => descendant?.path)).toEqual(['w24d12[0-2]>w48d12[3-11]', 'w24d12[0-11]', undefined])
  })

  it('choose as the run itself did', async () => {
    const [summary] = await compareRuns([run('a')])
    expect(summary!.best.map(({ descendant }) => descendant?.path)).toEqual(sample.choices.map(({ path }) => path))
  })

  it('have fronts by rising MACs, and what was chosen with its budget', async () => {
    const [summary] = await compareRuns([run('a', { command: 'run' })])
    expect(summary).toMatchObject({
      name: 'a',
      dir: 'a',
      command: 'run',
      descendants: 31,
      tiers: ['w12d12', 'w24d12', 'w48d12', 'w96d12'],
      storedParameters: 1_810_000,
      seconds: 110.1,
    })
    expect(summary!.chosen).toMatchObject({ path: sample.choice.path, budget: { macs: 8e6 } })
    expect(summary!.front).toHaveLength(sample.descendants.filter(({ pareto }) => pareto).length)
    summary!.front.slice(1).forEach(({ macs }, i) => void expect(macs).toBeGreaterThan(summary!.front[i]!.macs))
  })

  it('say which report chose what it does not have', async () => {
    await expect(compareRuns([run('b', { choice: { ...sample.choice, path: 'gone' } })])).rejects.toThrow(
      'the report of b is damaged: it chose gone, which is none of its descendants; make the run again',
    )
  })
})

describe('what differs', () => {
  it('are seeds, machines and settings that are not the same in all, by their paths', () => {
    const config = {
      ...sample.config,
      distillation: { epochs: 1, batchSize: 64, learningRate: 0.001 },
      tiers: [
        { width: 12, epochs: 2 },
        { width: 1e6, heads: [1, 2] },
      ],
    }
    const runs = [run('a'), run('b', { seed: 7, workers: 1, config }), run('c', { backend: { name: 'webgpu', version: '4.22.0' } })]
    expect(differences(runs)).toEqual([
      { setting: 'seed', values: ['0', '7', '0'] },
      { setting: 'backend', values: ['wasm', 'wasm', 'webgpu'] },
      { setting: 'workers', values: ['2', '1', '2'] },
      { setting: 'distillation.learningRate', values: ['0.0005', '0.001', '0.0005'] },
      { setting: 'tiers', values: [undefined, '(width 12, epochs 2), (width 1e6, heads 1, 2)', undefined] },
    ])
  })

  it('are none between a run and its like', () => {
    expect(differences([run('a'), run('b')])).toEqual([])
  })
})
