import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageFolders } from '@learngene/datasets/node'
import { accuracies, buildPool, descendantBytes, descendantsOf, disposePool, type Pool } from '@learngene/learngene-pool'
import { loadPool, savePool } from '@learngene/learngene-pool/node'
import { runImages, sha256 } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { costOfPath, findWithStitches, formatPath, moreStitches, parsePath } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT, parametersOf } from '@learngene/vit-blocks'
import { loadModelFile } from '@learngene/vit-blocks/node'
import { memory, mul, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleProfile } from '../latency/profile.fixture.js'
import { sampleReport } from '../report/sample.fixture.js'
import { runDefaults } from '../run/config.js'
import { recipeOfRun } from '../run/recipe-of-run.js'
import { stagesOfRun } from '../run/run-folder.js'
import { temporaryDirectory } from '../run.fixture.js'
import { startBackend } from '../start-backend.js'
import { tiny, tinyDetails, writeImages, writeLively } from './cut.fixture.js'
import { openLarger } from './search-larger.js'

const DEPTH = 4
const training = { epochs: 1, batchSize: 2, learningRate: 1e-3 }

let root: string
let dir: string
let profile: string
let pictures: { training: string; validation: string; test: string }

/** A run of three tiers whose pool lists paths of one stitch, on pictures of two classes. */
beforeAll(async () => {
  root = await temporaryDirectory()
  dir = join(root, 'run')
  const [images, validation, test] = await Promise.all(
    ['training', 'validation', 'test'].map((part, i) =>
      writeImages(join(root, part), ['cat', 'dog'], 20 + 10 * i, { height: 8, width: 8 }),
    ),
  )
  pictures = { training: images!, validation: validation!, test: test! }
  const ancestor = await writeLively(join(root, 'ancestor.safetensors'))
  await startBackend('wasm')
  const rng = createRng(1)
  const tiers = [8, 12, 16].map((width) => {
    const network = createViT({ ...tiny, width, depth: DEPTH }, rng.fork(String(width)))
    for (const parameter of Object.values(parametersOf(network))) if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 12)))
    return { name: `w${width}`, network, transformations: [] }
  })
  const pool = buildPool(tiers, { details: tinyDetails }, rng)
  await savePool(join(dir, 'pool'), pool)
  const config = {
    ...runDefaults,
    ancestor,
    images: pictures,
    tiers: [{ width: 8, epochs: 1 }],
    distillation: { batchSize: 2, learningRate: 1e-3 },
    fineTuning: training,
  }
  await writeFile(join(dir, 'run.json'), JSON.stringify({ schema: 1, command: 'run', version: '0.0.0', seed: 0, config }))
  const datasets = await imageFolders({ training: images!, validation: validation!, test: test! })
  const data = await sha256((await Promise.all(Object.values(datasets).map((each) => each.fingerprint()))).join())
  const store = diskStore(stagesOfRun(dir))
  await store.write('evaluate', 'a'.repeat(64), {}, {}, { depends: { settings: null, needs: {}, fingerprints: { data } } })
  const { recipe } = await recipeOfRun(dir)
  const source = await runImages(recipe, { network: tiers[2]!.network, details: tinyDetails }, { store })
  const paths = [...pool.space.enumerate()]
  const networks = descendantsOf(pool, paths)
  const [validated, tested] = [await accuracies(networks, source.validation), await accuracies(networks, source.test)]
  const descendants = paths.map((path, id) => ({
    ...sampleReport().descendants[0]!,
    ...{
      id,
      path: formatPath(path.path),
      ...costOfPath(pool, path),
      bytes: descendantBytes(pool, path),
      validationAccuracy: validated[id]!,
      testAccuracy: tested[id]!,
    },
  }))
  const report = { ...sampleReport(), command: 'run', seed: 0, config, descendants }
  const counts = { training: source.training.length, validation: source.validation.length, test: source.test.length }
  await writeFile(join(dir, 'report.json'), JSON.stringify({ ...report, images: counts }))
  profile = join(root, 'phone.json')
  await writeFile(profile, JSON.stringify(sampleProfile(networks)))
  disposePool(pool)
})
afterAll(() => rm(root, { recursive: true }))

async function json(...argv: string[]) {
  const { code, stdout, stderr } = await run([...argv, '--json', '--quiet'])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

const search = (...more: string[]) => json('search', dir, '--stitches', '2', '--backend', 'wasm', ...more)

async function withPool<T>(use: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = await loadPool(join(dir, 'pool'))
  try {
    return await use(pool)
  } finally {
    disposePool(pool)
  }
}

describe('a search of all paths that the pool’s stitches make', () => {
  it('finds the best of all where it may evaluate all, and says which images did what', async () => {
    const before = memory().numTensors
    const found = await search('--budget', 'macs=1G', '--evaluations', '1000')
    expect(memory().numTensors).toBe(before)
    const { recipe } = await recipeOfRun(dir)
    await withPool(async (pool) => {
      const space = moreStitches(pool.space, 2)
      const all = [...space.enumerate()]
      expect(all.length).toBeGreaterThan(pool.space.count())
      const source = await runImages(
        recipe,
        { network: pool.tiers[2]!.network, details: tinyDetails },
        { store: diskStore(stagesOfRun(dir)) },
      )
      const networks = descendantsOf(pool, all)
      const validation = await accuracies(networks, source.validation)
      expect(found.chosen.validationAccuracy).toBe(Math.max(...validation))
      const at = all.findIndex(({ path }) => formatPath(path) === found.chosen.path)
      expect(found.chosen.testAccuracy).toBeCloseTo((await accuracies([networks[at]!], source.test))[0]!, 6)
      expect(found.search).toMatchObject({ stitches: 2, paths: String(all.length), evaluated: all.length, predictor: null, random: null })
    })
    expect(found.images).toEqual({ validation: 60, test: 80 })
    for (const row of found.pareto) expect(row.testAccuracy).toBeGreaterThanOrEqual(0)
    expect(found.why).toContain(`${found.runnerUp.path} lost: `)
  })

  it('evaluates at most as many as it may, shows the predictor’s error and random search, and is the same for the same seed', async () => {
    const one = await search('--budget', 'macs=1G', '--evaluations', '16', '--seed', '3')
    const { evaluated, predictor, random, best } = one.search
    expect(evaluated).toBeLessThanOrEqual(16)
    expect(random.evaluated).toBe(evaluated)
    expect(predictor.heldOut).toBeGreaterThan(0)
    for (const error of [predictor.meanError, predictor.meanDeviation]) expect(error).toBeGreaterThanOrEqual(0)
    // What was found, the listed descendants among it, is never behind what either search names.
    for (const each of [best, random]) expect(one.chosen.validationAccuracy).toBeGreaterThanOrEqual(each.validationAccuracy)
    expect(await search('--budget', 'macs=1G', '--evaluations', '16', '--seed', '3')).toEqual(one)
    const { stdout } = await run([
      'search',
      dir,
      '--stitches',
      '2',
      '--backend',
      'wasm',
      '--budget',
      'macs=1G',
      '--evaluations',
      '16',
      '--quiet',
    ])
    expect(stdout).toMatch(/\nsearched \d+ paths of at most 2 stitches: \d+ evaluated on 60 validation images, best /)
    expect(stdout).toMatch(/\n {2}predictor: [\d.]+ points from the truth on average, on \d+ paths that it had not seen; /)
    expect(stdout).toMatch(/\n {2}random search, \d+ evaluated: best .* right, /)
    expect(stdout).toMatch(/\nchosen: .*\nchosen on 60 validation images \([\d.]+ % right\), reported on 80 test images: [\d.]+ % right\n/)
  })

  it('takes only what keeps the caps, on bytes and on a latency that is composed too', async () => {
    const small = await search('--budget', 'bytes=60kB', '--evaluations', '1000')
    const { bytes } = await json('extract', dir, '--path', small.chosen.path, '--out', join(root, 'small.safetensors'))
    expect(small.chosen.bytes).toBeLessThanOrEqual(60_000)
    expect(bytes).toBe(small.chosen.bytes)
    const timed = ['--budget', 'latency=9ms@webgpu', '--profile', profile, '--evaluations', '1000']
    const found = await search(...timed)
    // Four blocks, an embedding, a head and the reading take a millisecond each, the overhead half of one, a stitch one more.
    expect(found.chosen.latency).toBeLessThanOrEqual(9)
    expect(found.latency).toMatchObject({ from: 'file', fresh: null })
    for (const row of found.pareto) expect(row.latency).toBeLessThanOrEqual(9)
    const { code, stderr } = await run(['search', dir, '--stitches', '2', '--budget', 'macs=10', '--quiet', '--backend', 'wasm'])
    expect([code, stderr.split('\n').length]).toEqual([1, 2])
    expect(stderr).toMatch(/^learngene: no candidate fits the budget macs=10: the smallest by macs is w8\[0-3\] with /)
  })

  it('takes the cheapest that is accurate enough', async () => {
    const all = await search('--budget', 'macs=1G', '--evaluations', '1000')
    const least = String(all.chosen.validationAccuracy)
    const found = await search('--objective', 'macs', '--min-accuracy', least, '--evaluations', '1000')
    expect(found.chosen.validationAccuracy).toBe(all.chosen.validationAccuracy)
    expect(found.chosen.macs).toBe(all.chosen.macs)
    expect(found.search.best.path).toBe(found.chosen.path)
  })

  it('holds what extract writes: a model of several stitches that gives the pool’s logits', async () => {
    const text = await withPool(async (pool) => {
      const path = [...moreStitches(pool.space, 2).enumerate()].at(-1)!
      expect(pool.space.find(path.path)).toBeUndefined()
      return formatPath(path.path)
    })
    expect(text.split('>')).toHaveLength(3)
    const out = join(root, 'several.safetensors')
    const written = await json('extract', dir, '--path', text, '--out', out)
    expect(written).toMatchObject({ path: text, measured: null })
    const { network } = await loadModelFile(out)
    const { recipe } = await recipeOfRun(dir)
    await withPool(async (pool) => {
      const { test } = await runImages(recipe, { network, details: tinyDetails }, { store: diskStore(stagesOfRun(dir)) })
      const own = descendantsOf(pool, [findWithStitches(pool.space, parsePath(text))!])
      expect(await accuracies([network], test)).toEqual(await accuracies(own, test))
      expect(network.blocks.map(({ kind }) => kind).filter((kind) => kind === 'stitch')).toHaveLength(2)
    })
  })

  it('hears that it is interrupted while it evaluates', async () => {
    const interruption = new AbortController()
    const report = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8'))
    const options = { stitches: 2, evaluations: 1000, seed: 0, backend: 'wasm', caps: { macs: 1e9 }, objective: 'accuracy' } as const
    const larger = await openLarger({ ...report, descendants: report.descendants.slice(0, 1) }, options, {
      run: dir,
      env: {},
      signal: interruption.signal,
      report: (event) => {
        if (event.kind === 'stage' && event.name === 'search') setImmediate(() => interruption.abort(new Error('interrupted')))
      },
    })
    await expect(larger.search()).rejects.toThrow('interrupted')
    larger.dispose()
  })

  it('says of a run of an earlier version that it does not tell its images', async () => {
    const old = join(root, 'old')
    await mkdir(old)
    await copyFile(join(dir, 'report.json'), join(old, 'report.json'))
    await cp(join(dir, 'pool'), join(old, 'pool'), { recursive: true })
    const { code, stderr } = await run(['search', old, '--stitches', '2', '--budget', 'macs=1G', '--quiet'])
    expect([code, stderr]).toEqual([
      1,
      `learngene: ${old}: its images must be told by run.json, and an earlier version, which wrote none, made the run; make it again with: npx learngene run --out ${old} --force\n`,
    ])
  })

  it('refuses images that are others than those of the run', async () => {
    await writeImages(join(root, 'validation'), ['cat'], 31, { height: 8, width: 8 })
    const { code, stderr } = await run(['search', dir, '--stitches', '2', '--budget', 'macs=1G', '--quiet', '--backend', 'wasm'])
    expect([code, stderr]).toEqual([
      1,
      `learngene: ${stagesOfRun(dir)}: the images must be those that the run was evaluated on; they are others, or were changed since\n`,
    ])
  })

  it.each<[string[], string]>([
    [['--evaluations', '20', '--budget', 'macs=1M'], '--evaluations belongs to --stitches'],
    [['--backend', 'wasm', '--budget', 'macs=1M'], '--backend belongs to --stitches'],
    [['--stitches', '2', '--cascades', '--budget', 'macs=1M'], 'leave out --cascades or --stitches'],
    [['--stitches', '0', '--budget', 'macs=1M'], 'It must be an integer of at least 1.'],
    [['--stitches', '2', '--evaluations', '9', '--budget', 'macs=1M'], 'It must be an integer of at least 10.'],
  ])('answers %j with exit code 2', async (more, message) => {
    const { code, stdout, stderr } = await run(['search', dir, ...more])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([2, ''])
  })
})
