import { subset } from '@learngene/datasets'
import { accuracies } from '@learngene/learngene-pool'
import { disposeNetwork, loadModel } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.js'
import { memoryMetrics } from './metrics.js'
import type { Recipe } from './recipe.js'
import { plan, type RunResult, run, runImages, runStage, status } from './run.js'
import { MODEL } from './session.js'
import type { FoundReport } from './stages/choice.js'
import type { NestedInfo } from './stages/nested.js'
import { tinyRecipe, wasm } from './tiny.fixture.js'

describe('a run on few images', () => {
  let recipe: Recipe
  let result: RunResult
  const store = memoryStore()
  const metrics = memoryMetrics()
  const stages: string[] = []

  beforeAll(async () => {
    await wasm()
    recipe = await tinyRecipe()
    const before = memory().numTensors
    result = await run(recipe, {
      store,
      metrics,
      report: (event) => {
        if (event.kind === 'stage') stages.push(event.name)
      },
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

  it('gives its images again, as what was chosen on them takes them, and refuses others', async () => {
    const { network, details } = await loadModel(await result.choice.read(MODEL))
    const { validation, test, training } = await runImages(recipe, { network, details }, { store })
    expect([training.length, validation.length, test.length]).toEqual([120, 60, 80])
    const { descendants, choice } = result.report
    const chosen = descendants.find(({ path }) => path === choice.path)!
    for (const [images, accuracy] of [
      [validation, chosen.validationAccuracy],
      [test, chosen.testAccuracy],
    ] as const)
      expect((await accuracies([network], images))[0]).toBeCloseTo(accuracy, 6)
    await expect(runImages({ ...recipe, seed: 2 }, { network, details }, { store })).rejects.toThrow(
      /: the images must be those that the run was evaluated on; they are others/,
    )
    disposeNetwork(network)
  })

  it('compares all initialisers on the same descendants, from a pool that was not yet fine-tuned', () => {
    const { rows, images } = result.report.initialisers
    expect(images).toBe(30)
    expect(rows.map(({ name }) => name)).toEqual(recipe.initialisers)
    const residual = Object.fromEntries(rows.map(({ name, meanResidual }) => [name, meanResidual]))
    expect(residual.leastSquares).toBeLessThan(residual.learned!)
    expect(residual.leastSquares).toBeLessThan(residual.random!)
  })

  it('chooses within the budget by validation accuracy', () => {
    const { descendants } = result.report
    const chosen = descendants.find(({ path }) => path === result.report.choice.path)!
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
    const before = memory().numTensors
    const begun: string[] = []
    const other = run(
      { ...recipe, budget: { macs: 1000 } },
      { store: memoryStore(), report: (event) => event.kind === 'stage' && begun.push(event.name) },
    )
    await expect(other).rejects.toThrow(/w12d6\[0-5\]/)
    expect(begun).toEqual(['load the embedded ancestor'])
    expect(memory().numTensors).toBe(before)
  })

  it('runs nothing again where everything stands, and gives the same', async () => {
    const begun: string[] = []
    const again = await run(recipe, { store, report: (event) => event.kind === 'stage' && begun.push(event.name) })
    expect(begun).toEqual([])
    expect(again.report).toEqual(result.report)
    const states = (await status(recipe, { store })).stages.map(({ state }) => state)
    expect(states).toEqual(Array(12).fill('done'))
  })

  it('runs what depends on a changed setting, and nothing else', async () => {
    const begun: string[] = []
    const report = (event: { kind: string; name?: string }) => event.kind === 'stage' && begun.push(event.name!)
    const changed = { ...recipe, budgets: [3e6] }
    await run(changed, { store, report })
    expect(begun).toEqual(['choose a descendant under the budget'])
    const [narrow, wide] = recipe.tiers
    const statuses = await status({ ...recipe, tiers: [{ ...narrow!, epochs: 3 }, wide!] }, { store })
    expect(statuses.stages.filter(({ state }) => state !== 'done').map(({ stage }) => stage)).toEqual([
      'tier:w12d6',
      'stitches',
      'tune',
      'evaluate',
      'baseline',
      'choose',
    ])
    expect(statuses.next).toBe('tier:w12d6')
    await run(recipe, { store })
  })

  it('keeps losses by term, and what each stage cost', async () => {
    const lines = (await metrics.read()).filter(({ stage }) => stage === 'tier:w12d6')
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    for (const { values } of lines) expect(values.loss).toBeCloseTo(values.label! + values.logit!, 5)
    const { manifest } = await store.read('tier:w12d6')
    expect(manifest.account).toMatchObject({ images: 240 })
    expect(manifest.account!.macs).toBeGreaterThan(240 * 3 * result.report.descendants[0]!.macs * 0.99)
  })

  it('goes on inside a training with the same bits, on any machine that has what the stage needs', async () => {
    const parts = memoryStore()
    for (const { stage, manifest, info, read } of await store.list()) {
      if (stage === 'tier:w12d6') continue
      const files = await Promise.all(Object.keys(manifest.files).map(async (name) => [name, await read(name)] as const))
      await parts.write(stage, manifest.key, Object.fromEntries(files), info, manifest)
    }
    const stop = new AbortController()
    const report = (event: { kind: string; done?: number }) => {
      if (event.kind === 'progress' && event.done === 9) stop.abort(new Error('enough'))
    }
    const options = { store: parts, checkpointEvery: 4 }
    await expect(runStage(recipe, 'tier:w12d6', { ...options, report, signal: stop.signal })).rejects.toThrow('enough')
    const { stages } = await status(recipe, { store: parts })
    expect(stages.find(({ stage }) => stage === 'tier:w12d6')).toMatchObject({ state: 'checkpoint', step: 8, total: 12 })
    const seen: number[] = []
    const resumed = await runStage(recipe, 'tier:w12d6', {
      ...options,
      report: (event) => event.kind === 'progress' && event.metrics && seen.push(event.done),
    })
    expect(seen).toEqual([9, 10, 11, 12])
    expect(resumed.manifest.files).toEqual((await store.read('tier:w12d6')).manifest.files)
  })

  it.each([
    ['preview', 2, []],
    ['evaluate', 3, []],
    ['evaluate', 4, [3]],
  ])('evaluates to the same bits in shares: %s in %d, without %j', async (stage, of, leftOut) => {
    const whole = await store.read(stage)
    await store.remove(stage)
    for (let part = 1; part <= of; part += 1) if (!leftOut.includes(part)) await runStage(recipe, `${stage}.${part}of${of}`, { store })
    expect((await store.list()).filter(({ stage: name }) => name.startsWith(`${stage}.`))).toHaveLength(of - leftOut.length)
    const merged = await runStage(recipe, stage, { store })
    expect([merged.manifest.key, merged.manifest.files, merged.info]).toEqual([whole.manifest.key, whole.manifest.files, whole.info])
    expect(merged.manifest.account!.images).toBeGreaterThan(whole.manifest.account!.images)
    expect((await store.list()).map(({ stage }) => stage)).not.toContain(`${stage}.1of${of}`)
    expect((await runStage(recipe, `${stage}.1of${of}`, { store })).stage).toBe(stage)
  })

  it('cuts no stage whose work is one', async () => {
    await store.remove('tune')
    await expect(runStage(recipe, 'tune.1of2', { store })).rejects.toThrow("the work of 'tune' cannot be cut into shares; run it whole")
    await run(recipe, { store })
  })

  it('cuts the only tier that is asked for, to the same bits', async () => {
    const one = memoryStore()
    await runStage(recipe, 'ancestor', { store: one })
    const begun: string[] = []
    const cut = await runStage(recipe, 'inherit:w24', { store: one, report: (event) => event.kind === 'stage' && begun.push(event.name) })
    expect(begun.filter((name) => name.startsWith('fit'))).toEqual(['fit 12 blocks of width 24'])
    expect(cut.manifest.files).toEqual((await store.read('inherit:w24')).manifest.files)
  })

  it('plans without running anything', async () => {
    const planned = await plan(recipe)
    expect(planned.map(({ stage }) => stage.name)).toEqual((await status(recipe, { store })).stages.map(({ stage }) => stage))
    for (const { stage, key } of planned) expect((await store.read(stage.name)).manifest.key).toBe(key)
  })

  it('runs no stage whose needs do not stand', async () => {
    await expect(runStage(recipe, 'tune', { store: memoryStore() })).rejects.toThrow("'tune' needs")
  })
})

describe('what cannot be', () => {
  const plan = { batchSize: 20, learningRate: 1e-3, epochs: 1 }
  const trained = { width: 24, depth: 3, heads: 3, patchSize: 7, imageSize: [28, 28] as const, channels: 1 as const, training: plan }
  const tiers = [{ width: 12, epochs: 1 }]
  const steps = async (change: (recipe: Recipe) => Recipe, store = memoryStore()) => {
    await wasm()
    const metrics = memoryMetrics()
    const { budget: _, ...recipe } = await tinyRecipe()
    const before = memory().numTensors
    const ended = await run(change({ ...recipe, baseline: false }), { store, metrics }).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(memory().numTensors).toBe(before)
    return [ended, (await metrics.read()).length] as const
  }

  it.each<[string, (recipe: Recipe) => Recipe, string]>([
    ['a budget', (recipe) => ({ ...recipe, ancestor: trained, tiers, budget: { macs: 10 } }), 'the smallest by macs is w12d3'],
    ['a measure', (recipe) => ({ ...recipe, ancestor: trained, tiers, budget: { mac: 10 } }), 'mac'],
    ['a tier as large as the ancestor', (recipe) => ({ ...recipe, ancestor: trained, tiers: [{ width: 24, epochs: 1 }] }), 'less than the'],
    [
      'a tier that is too wide',
      (recipe) => ({ ...recipe, ancestor: trained, tiers: [{ width: 48, epochs: 1 }] }),
      "to the ancestor's, 24; got",
    ],
    ['a tier that is too deep', (recipe) => ({ ...recipe, ancestor: trained, tiers: [{ width: 12, depth: 4, epochs: 1 }] }), 'at most'],
    ['heads that do not divide', (recipe) => ({ ...recipe, ancestor: trained, tiers: [{ width: 10, epochs: 1 }] }), 'divide by its heads'],
    [
      'an initialiser of matrices that inherited tiers lack',
      (recipe) => ({ ...recipe, ancestor: trained, tiers, initialisers: ['ridge', 'paper'] }),
      "recipe: the initialiser paper is made of transformation matrices of side 'teacher', which tiers from the ancestor do not have; take",
    ],
    [
      'an initialiser of matrices that no distillation trains',
      (recipe) => ({ ...recipe, start: 'random', tiers, distillation: { ...plan, weights: { block: 0 } }, initialisers: ['ridge'] }),
      'where the distillation compares blocks by that side; give weights.block above 0',
    ],
    ['a batch', (recipe) => ({ ...recipe, ancestor: trained, tiers, fineTuning: { ...plan, batchSize: 121 } }), 'images, 120; got 121'],
  ])('is told before the ancestor is trained: %s', async (_, change, message) => {
    const [ended, trainedSteps] = await steps(change)
    expect(ended).toContain(message)
    expect(trainedSteps).toBe(0)
  })

  it('is told before a head is trained', async () => {
    const [ended, trainedSteps] = await steps((recipe) => {
      const { training, test } = recipe.data
      const classes = training.classes.map((name) => `my ${name}`)
      const data = { ...recipe.data, training: { ...training, classes }, test: { ...test!, classes } }
      return { ...recipe, data, adaptation: { head: plan, whole: plan }, budget: { macs: 10 } }
    })
    expect(ended).toContain('the smallest by macs is w12d6')
    expect(trainedSteps).toBe(0)
  })

  it('is told before a tier is trained where the ancestor stands', async () => {
    const store = memoryStore()
    await wasm()
    const { budget: _, ...recipe } = await tinyRecipe()
    await runStage({ ...recipe, ancestor: trained, tiers }, 'ancestor', { store })
    const [ended, trainedSteps] = await steps((recipe) => ({ ...recipe, ancestor: trained, tiers, budget: { macs: 10 } }), store)
    expect(ended).toContain('the smallest by macs is w12d3')
    expect(trainedSteps).toBe(0)
  })

  it('is told where images are too few to hold some out', async () => {
    const [ended] = await steps(({ data: { training }, ...recipe }) => ({ ...recipe, data: { training: subset(training, [0, 1]) } }))
    expect(ended).toMatch(/^test images cannot be held out of the 2 that are left: .*; give more images, or those for test by themselves$/)
  })
})

describe('for comparison', () => {
  it('tiers start from random weights, the ancestor stays out of the pool, and nested widths are trained beside', async () => {
    await wasm()
    const { budget: _, budgets: __, ...given } = await tinyRecipe()
    const plan = { batchSize: 20, learningRate: 1e-3 }
    const recipe: Recipe = {
      ...{ ...given, start: 'random', ancestorTier: false, tiers: [6, 12].map((width) => ({ width, depth: 2, epochs: 1 })) },
      distillation: { ...plan, sides: ['student', 'teacher'], labelWeight: 0.5 },
      fineTuning: { ...plan, epochs: 1, labelWeight: 0.5, targets: 'hard', paths: 'uniform' },
      ...{ initialisers: ['paper', 'leastSquares'], space: { kind: 'aligned', stride: 1 } },
      nested: { ...plan, epochs: 1, widths: [6, 12], sizesPerStep: 2 },
    }
    const store = memoryStore()
    const before = memory().numTensors
    const { report } = await run(recipe, { store })
    expect(memory().numTensors).toBe(before)
    expect(report.auxiliaries.map(({ name, start, steps }) => [name, start, steps])).toEqual([
      ['w6d2', 'random', 6],
      ['w12d2', 'random', 6],
    ])
    expect(report.descendants.map(({ path }) => path)).toEqual(['w6d2[0-1]', 'w12d2[0-1]', 'w6d2[0-0]>w12d2[1-1]'])
    expect(report.ancestor.testAccuracy).toBeGreaterThan(0.7)
    expect(report.fineTuning.steps).toBe(6)
    const nested = (await store.read('nested')).info as unknown as NestedInfo
    expect(nested.models.map(({ width }) => width)).toEqual([6, 12])
    expect(nested.steps).toBe(6)
    expect(nested.parameters).toBeGreaterThan(nested.models[1]!.parameters)

    const widest = { ...recipe, nested: { ...recipe.nested!, start: 'random' as const, widths: [6, 15] } }
    const other = await runStage(widest, 'nested', { store: memoryStore(), withNeeds: true })
    expect((other.info as unknown as NestedInfo).models.map(({ width }) => width)).toEqual([6, 15])
  })

  it('refuses a start of another name', async () => {
    const recipe = { ...(await tinyRecipe()), start: 'warm' as never }
    await expect(status(recipe, { store: memoryStore() })).rejects.toThrow("recipe: start must be 'inherit' or 'random'; got 'warm'")
  })
})

describe("an ancestor of one's own", () => {
  it('is trained, or given a head for other classes', async () => {
    await wasm()
    const given = await tinyRecipe()
    const { budget: _, ...recipe } = given
    const plan = { batchSize: 20, learningRate: 1e-3, epochs: 1 }
    const ancestor = {
      width: 24,
      depth: 3,
      heads: 3,
      patchSize: 7,
      imageSize: [28, 28] as const,
      channels: 1 as const,
      training: { ...plan, validateEpochs: 0.5, patience: 3 },
    }
    const tiers = [{ width: 12, epochs: 1 }]
    const store = memoryStore()
    const trained = await run({ ...recipe, ancestor, tiers, baseline: false }, { store })
    expect(trained.report.ancestor).toMatchObject({ width: 24, depth: 3 })

    const { training, test } = recipe.data
    const names = training.classes.map((name) => `my ${name}`)
    const data = { ...recipe.data, training: { ...training, classes: names }, test: { ...test!, classes: names } }
    const adaptation = { head: plan, whole: { ...plan, learningRate: 1e-4 } }
    await expect(run({ ...recipe, data }, { store: memoryStore() })).rejects.toThrow('give the recipe an adaptation')
    const adapted = await run({ ...recipe, data, adaptation, tiers, baseline: false }, { store: memoryStore() })
    expect(adapted.report.ancestor.testAccuracy).toBeGreaterThan(0.2)
    const found: FoundReport = adapted.report
    expect(found.descendants.length).toBeGreaterThan(2)
  })
})
