import { subset } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { alone } from '@learngene/training'
import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { startBackend } from '../start-backend.js'
import { type PipelineInput, type PipelineResult, runPipeline } from './pipeline.js'
import { tinyQuickstart } from './tiny.fixture.js'

describe('the quickstart on few images', () => {
  let input: PipelineInput
  let result: PipelineResult
  const stages: string[] = []

  beforeAll(async () => {
    await startBackend('wasm')
    const few = Array.from({ length: 80 }, (_, i) => i * 25)
    input = {
      config: tinyQuickstart,
      seed: 1,
      budget: tinyQuickstart.budget,
      ancestor: await readAncestor(),
      train: await loadTrain(),
      test: subset(await loadTest(), few),
    }
    const before = memory().numTensors
    result = await runPipeline(alone, input, (event) => {
      if (event.kind === 'stage') stages.push(event.name)
    })
    expect(memory().numTensors).toBe(before)
  })

  it('makes every descendant of two inherited tiers and the ancestor and shows its accuracies and cost', () => {
    const { descendants, ancestor } = result.report
    expect(descendants.map(({ path }) => path)).toEqual([
      'w12d6[0-5]',
      'w24d12[0-11]',
      'w96d12[0-11]',
      'w12d6[0-4]>w24d12[11-11]',
      'w24d12[0-0]>w96d12[1-11]',
      'w24d12[0-5]>w96d12[6-11]',
      'w24d12[0-10]>w96d12[11-11]',
    ])
    for (const { validationAccuracy, testAccuracy, untrainedAccuracy, macs, parameters, memory } of descendants) {
      for (const accuracy of [validationAccuracy, testAccuracy, untrainedAccuracy]) expect(accuracy).toBeGreaterThanOrEqual(0)
      expect(memory).toBeGreaterThan(4 * parameters)
      expect(macs).toBeGreaterThan(parameters)
    }
    expect(descendants.some(({ pareto }) => pareto)).toBe(true)
    expect(descendants[2]!.testAccuracy).toBe(ancestor.testAccuracy)
  })

  it('has a family before anything is trained, and trains only what it says', () => {
    const { auxiliaries, descendants, inheriting } = result.report
    expect(auxiliaries.map(({ name, start, steps, standsFor }) => [name, start, steps > 0, standsFor.length])).toEqual([
      ['w12d6', 'inherit', true, 6],
      ['w24d12', 'inherit', false, 12],
      ['w96d12', 'ancestor', false, 12],
    ])
    const [narrow, wide, whole] = auxiliaries
    expect(wide!.untrainedAccuracy).toBeGreaterThan(0.8 * whole!.untrainedAccuracy)
    expect(narrow!.keptEnergy).toBeLessThan(wide!.keptEnergy)
    expect(inheriting.energies.at(-1)).toEqual({ width: 96, kept: 1 })
    for (const { path, testAccuracy, untrainedAccuracy } of descendants)
      if (!path.startsWith('w12')) expect(testAccuracy).toBe(untrainedAccuracy)
  })

  it('names the best descendant under every budget that one keeps, and the narrowest tier from random weights beside', () => {
    const { choices, comparison, descendants } = result.report
    expect(choices.map(({ budget }) => budget)).toEqual([{ macs: 2e6 }])
    expect(descendants.find(({ path }) => path === choices[0]!.path)!.testAccuracy).toBe(choices[0]!.testAccuracy)
    expect(comparison.map(({ name, macs }) => [name, macs])).toEqual([['width 12 from random weights', descendants[0]!.macs]])
  })

  it('compares all initialisers on the same descendants, from a pool that was not yet fine-tuned', () => {
    const { rows, images } = result.report.initialisers
    expect(images).toBe(30)
    expect(rows.map(({ name }) => name)).toEqual(tinyQuickstart.initialisers)
    const residual = Object.fromEntries(rows.map(({ name, meanResidual }) => [name, meanResidual]))
    expect(residual.leastSquares).toBeLessThan(residual.learned!)
    expect(residual.leastSquares).toBeLessThan(residual.random!)
  })

  it('chooses within the budget by validation accuracy', () => {
    const { descendants } = result.report
    const chosen = descendants.find(({ path }) => path === result.choice.path)!
    expect(chosen.macs).toBeLessThanOrEqual(1.5e6)
    const feasible = descendants.filter(({ macs }) => macs <= 1.5e6)
    expect(feasible.length).toBeLessThan(descendants.length)
    expect(chosen.validationAccuracy).toBe(Math.max(...feasible.map(({ validationAccuracy }) => validationAccuracy)))
  })

  it('trains: losses fall', () => {
    const trained = result.report.auxiliaries.filter(({ steps }) => steps > 0)
    for (const { firstLoss, lastLoss } of trained) expect(lastLoss).toBeLessThan(firstLoss!)
  })

  it('fails before any training where the budget is infeasible, and names the smallest descendant', async () => {
    stages.length = 0
    const before = memory().numTensors
    await expect(runPipeline(alone, { ...input, budget: { macs: 1000 } }, () => stages.push('any'))).rejects.toThrow(/w12d6\[0-5\]/)
    expect(stages).toEqual([])
    expect(memory().numTensors).toBe(before)
  })
})
