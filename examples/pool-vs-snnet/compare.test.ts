import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import '@tensorflow/tfjs-backend-cpu'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, saveModel } from '@learngene/vit-blocks'
import { setBackend } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { full, quick } from './config.mjs'
import { renderMarkdown, summarise } from './summary.mjs'

const command = fileURLToPath(new URL('./compare.mjs', import.meta.url))
const built = existsSync(fileURLToPath(new URL('../../packages/learngene-pool/dist/index.js', import.meta.url)))

describe.each(Object.entries({ full, quick }))('the %s comparison', (_, config) => {
  it('gives both sides the same epochs and steps', () => {
    for (const { anchors } of config.snnets) expect(anchors).toHaveLength(config.tiers.length)
    expect(config.training.batchSize).toBe(config.fineTuning.batchSize)
  })
})

describe.skipIf(!built)('the command, which runs the built packages', () => {
  let out: string
  let results: Results
  let markdown: string

  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'pool-vs-snnet-'))
    await setBackend('cpu')
    const network = createViT({ imageSize: 28, patchSize: 7, channels: 1, width: 24, depth: 3, heads: 3, classes: 10 }, createRng(1))
    const ancestor = join(out, 'ancestor.safetensors')
    await writeFile(ancestor, await saveModel(network, { details: { normalisation: { mean: [0.29], std: [0.35] } } }))
    disposeNetwork(network)
    await promisify(execFile)(process.execPath, [command, '--quick', '--ancestor', ancestor, '--out', out])
    results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'))
    markdown = await readFile(join(out, 'results.md'), 'utf8')
  }, 120_000)

  afterAll(() => rm(out, { recursive: true, force: true }))

  const names = [
    ...['learned', 'paper', 'pinv', 'leastSquares', 'ridge', 'random'].map((name) => `Pool, ${name}`),
    'SN-Net',
    'Small, distilled',
    'Small, from scratch',
    'Learngene',
  ]

  it('compares every initialiser, SN-Net and single models, in the same steps', () => {
    expect(results.summary.map(({ name }) => name)).toEqual(names)
    expect(results.runs.map(({ seed }) => seed)).toEqual([0, 1])
    for (const { rows } of results.runs) expect(new Set(rows.map(({ steps }) => steps))).toEqual(new Set([18]))
  })

  it('measures every descendant before and after fine-tuning', () => {
    for (const { rows, budgets } of results.runs) {
      for (const { name, models, before, after } of rows) {
        const single = models === 1
        expect(before === null, name).toBe(single)
        for (const measured of single ? [after] : [before!, after]) {
          expect(measured.models).toHaveLength(models)
          for (const { test, validation } of measured.models)
            for (const share of [test, validation]) expect(share >= 0 && share <= 1).toBe(true)
          expect(measured.front.length).toBeGreaterThan(0)
          measured.atBudgets.forEach((best, i) => {
            if (best) expect(best.macs).toBeLessThanOrEqual(budgets[i]!)
            else expect(measured.models.every(({ macs }) => macs > budgets[i]!)).toBe(true)
          })
        }
      }
    }
  })

  it('starts all initialisers from the same instances', () => {
    const [{ rows }] = results.runs as [Run]
    const alone = rows.slice(0, 6).map(({ before }) => before!.models.filter(({ stitched }) => !stitched).map(({ test }) => test))
    for (const tiers of alone) expect(tiers).toEqual(alone[0])
    const residuals = rows.slice(0, 6).map(({ residual }) => residual!)
    expect(Math.min(...residuals)).toBe(residuals[3])
  })

  it('writes a table with one row for every family and measurement', () => {
    for (const name of names) expect(markdown).toContain(`| ${name}`)
    expect(markdown.match(/, before \|/g)).toHaveLength(7)
    expect(markdown).toBe(renderMarkdown(results))
  })
})

describe('the summary', () => {
  const row = (test: number | null) => ({
    name: 'Pool',
    stored: 1000,
    models: 2,
    smallest: { macs: 10, parameters: 5 },
    steps: 3,
    residual: 0.5,
    before: null,
    after: { stitchedMean: test, atBudgets: [test === null ? null : { test }] },
  })

  it('gives mean and sample standard deviation over the seeds', () => {
    const [{ after, residual, before }] = summarise([{ rows: [row(0.5)] }, { rows: [row(0.7)] }])
    expect(after.stitchedMean.mean).toBeCloseTo(0.6, 12)
    expect(after.atBudgets[0].deviation).toBeCloseTo(Math.sqrt(0.02), 12)
    expect(residual).toEqual({ mean: 0.5, deviation: 0 })
    expect(before).toBeNull()
  })

  it('leaves out what one of the seeds could not measure', () => {
    expect(summarise([{ rows: [row(0.5)] }, { rows: [row(null)] }])[0].after.atBudgets).toEqual([null])
  })
})

interface Measured {
  readonly models: readonly { readonly stitched: boolean; readonly macs: number; readonly test: number; readonly validation: number }[]
  readonly front: readonly string[]
  readonly atBudgets: readonly ({ readonly macs: number } | null)[]
}

interface Run {
  readonly seed: number
  readonly budgets: readonly number[]
  readonly rows: readonly {
    readonly name: string
    readonly models: number
    readonly steps: number
    readonly residual: number | null
    readonly before: Measured | null
    readonly after: Measured
  }[]
}

interface Results {
  readonly runs: readonly Run[]
  readonly summary: readonly { readonly name: string }[]
}
