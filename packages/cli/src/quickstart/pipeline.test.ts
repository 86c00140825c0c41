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

  it('makes every descendant of two tiers of depth 3 and shows its accuracy and cost', () => {
    const { descendants } = result.report
    expect(descendants.map(({ path }) => path).slice(0, 4)).toEqual([
      'w16d3[0-2]',
      'w32d3[0-2]',
      'w16d3[0-0]>w32d3[0-2]',
      'w16d3[0-0]>w32d3[1-2]',
    ])
    for (const { validationAccuracy, testAccuracy, macs, parameters, memory } of descendants) {
      for (const accuracy of [validationAccuracy, testAccuracy]) expect(accuracy).toBeGreaterThanOrEqual(0)
      expect(memory).toBeGreaterThan(4 * parameters)
      expect(macs).toBeGreaterThan(parameters)
    }
    expect(descendants.some(({ pareto }) => pareto)).toBe(true)
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
    expect(chosen.macs).toBeLessThanOrEqual(6e5)
    const feasible = descendants.filter(({ macs }) => macs <= 6e5)
    expect(feasible.length).toBeLessThan(descendants.length)
    expect(chosen.validationAccuracy).toBe(Math.max(...feasible.map(({ validationAccuracy }) => validationAccuracy)))
  })

  it('trains: losses fall', () => {
    for (const { firstLoss, lastLoss } of result.report.auxiliaries) expect(lastLoss).toBeLessThan(firstLoss)
  })

  it('fails before any training where the budget is infeasible, and names the smallest descendant', async () => {
    stages.length = 0
    const before = memory().numTensors
    await expect(runPipeline(alone, { ...input, budget: { macs: 1000 } }, () => stages.push('any'))).rejects.toThrow(/w16d3\[0-2\]/)
    expect(stages).toEqual([])
    expect(memory().numTensors).toBe(before)
  })
})
