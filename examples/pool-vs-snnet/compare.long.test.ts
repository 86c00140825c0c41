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
import { full, quick, stepsOf } from './config.mjs'
import { gapsToSingle, renderMarkdown, summarise } from './summary.mjs'

const command = fileURLToPath(new URL('./compare.mjs', import.meta.url))
const built = existsSync(fileURLToPath(new URL('../../packages/learngene-pool/dist/index.js', import.meta.url)))

describe.each(Object.entries({ full, quick }))('the %s comparison', (_, config) => {
  it('gives all families the same steps, and each width its own', () => {
    const { inherited, ...others } = stepsOf(config)
    expect(Object.values(others)).toEqual([inherited, inherited, inherited])
    for (const list of [config.inherited.steps, config.inherited.learningRates, config.random.steps, config.snnet.steps]) {
      expect(list).toHaveLength(config.widths.length)
    }
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

  const stitched = [
    ...['learned', 'leastSquares', 'ridge'].map((name) => `Inherited pool, ${name}`),
    ...['learned', 'ridge'].map((name) => `Pool from random weights, ${name}`),
    'SN-Net',
  ]
  const nested = ['Nested widths from random weights', 'Nested widths of the rotated ancestor']
  const blocks = ['Block dropping', 'Block dropping, fitted']
  const trained = [...stitched, ...nested, 'Single models']
  const named = ({ rows }: Run, name: string) => rows.find((row) => row.name === name)!

  it('compares every family and the single models, in the same steps', () => {
    expect(results.summary.map(({ name }) => name).sort()).toEqual([...trained, ...blocks].sort())
    expect(results.runs.map(({ seed }) => seed)).toEqual([0, 1])
    for (const run of results.runs) {
      expect(trained.map((name) => named(run, name).steps)).toEqual(trained.map(() => 18))
      expect(blocks.map((name) => named(run, name).steps)).toEqual([0, 0])
    }
  })

  it('measures every model before and after training', () => {
    for (const { rows, sizes } of results.runs) {
      for (const { name, models, before, after } of rows) {
        expect(after === null, name).toBe(blocks.includes(name))
        for (const measured of after ? [before, after] : [before]) {
          expect(measured.models).toHaveLength(models)
          for (const { test, validation } of measured.models)
            for (const share of [test, validation]) expect(share >= 0 && share <= 1).toBe(true)
          const caps = [
            [measured.atBudgets, quick.budgets],
            [measured.atSizes, sizes.map(({ macs }) => macs)],
          ] as const
          for (const [best, limits] of caps) {
            best.forEach((chosen, i) => {
              if (chosen) expect(chosen.macs).toBeLessThanOrEqual(limits[i]!)
              else expect(measured.models.every(({ macs }) => macs > limits[i]!)).toBe(true)
            })
          }
        }
      }
    }
  })

  it('starts all initialisers, and the single models, from the same tiers', () => {
    for (const run of results.runs) {
      const alone = (name: string) => {
        const { models } = named(run, name).before
        return models.filter(({ stitched }) => !stitched).map(({ test }) => test)
      }
      for (const names of [[...stitched.slice(0, 3), 'Single models'], stitched.slice(3, 5)])
        for (const name of names) expect(alone(name), name).toEqual(alone(names[0]!))
    }
  })

  it('gives stitched families the same models and storage', () => {
    for (const { rows } of results.runs) {
      const families = rows.filter(({ name }) => stitched.includes(name))
      expect(new Set(families.map(({ stored }) => stored)).size).toBe(1)
      const paths = families.map(({ after }) => after!.models.map(({ model }) => model))
      for (const models of paths) expect(models).toEqual(paths[0])
    }
  })

  it('writes tables with a row for every family and measurement', () => {
    for (const name of trained) for (const when of ['before', 'after']) expect(markdown).toContain(`| ${name}, ${when} |`)
    for (const name of blocks) expect(markdown).toContain(`| ${name} | `)
    expect(markdown).toContain('## Against single models')
    expect(markdown).toBe(renderMarkdown(results))
  })
})

describe('the summary', () => {
  const measured = (test: number | null) => {
    const best = test === null ? null : { test }
    return { stitchedMean: test, atBudgets: [best], atSizes: [best, best], models: [] }
  }
  const row = (test: number | null) => ({ name: 'Pool', stored: 1000, models: 2, steps: 3, before: measured(test), after: null })

  it('gives mean and sample standard deviation over the seeds', () => {
    const [{ before, after }] = summarise([{ rows: [row(0.5)] }, { rows: [row(0.7)] }])
    expect(before.stitchedMean.mean).toBeCloseTo(0.6, 12)
    expect(before.atBudgets[0].deviation).toBeCloseTo(Math.sqrt(0.02), 12)
    expect(after).toBeNull()
  })

  it('leaves out what one of the seeds could not measure', () => {
    expect(summarise([{ rows: [row(0.5)] }, { rows: [row(null)] }])[0].before.atBudgets).toEqual([null])
  })

  it('says by how many points families stay behind single models', () => {
    const models = (tests: readonly number[]) => tests.map((mean, i) => ({ macs: 10 * (i + 1), test: { mean } }))
    const family = { name: 'Pool', after: { atSizes: [{ mean: 0.7 }, { mean: 0.85 }], models: models([0.7, 0.88]) } }
    const single = { name: 'Single models', stepsEach: true, after: { models: models([0.72, 0.84]) } }
    const [{ name, gaps, ...others }, ...rest] = gapsToSingle([family, single, { name: 'Block dropping', after: null }])
    expect([name, rest]).toEqual(['Pool', []])
    gaps.forEach((gap: number, i: number) => {
      expect(gap).toBeCloseTo([2, -1][i]!, 9)
    })
    for (const [key, expected] of Object.entries({ mean: 0.5, largest: 2, ownMean: -1, ownLargest: 2 })) {
      expect(others[key as keyof typeof others], key).toBeCloseTo(expected, 9)
    }
    expect(gapsToSingle([family])).toEqual([])
  })
})

interface Measured {
  readonly models: readonly {
    readonly model: string
    readonly stitched: boolean
    readonly macs: number
    readonly test: number
    readonly validation: number
  }[]
  readonly atBudgets: readonly ({ readonly macs: number } | null)[]
  readonly atSizes: readonly ({ readonly macs: number } | null)[]
}

interface Run {
  readonly seed: number
  readonly sizes: readonly { readonly macs: number }[]
  readonly rows: readonly {
    readonly name: string
    readonly stored: number
    readonly models: number
    readonly steps: number
    readonly before: Measured
    readonly after: Measured | null
  }[]
}

interface Results {
  readonly runs: readonly Run[]
  readonly summary: readonly { readonly name: string }[]
}
