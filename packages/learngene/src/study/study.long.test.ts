import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadTrain } from '@learngene/fashion-mnist'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildRecipe } from '../run/build-recipe.js'
import { runConfig } from '../run/config.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { decodeUnits, wavesOf } from '../units/unit-file.js'
import { cellsOf } from './plan-study.js'
import { QUESTIONS, variantsOf } from './questions.js'
import { renderStudy, type StudyReport } from './report-study.js'
import { gridOf, SCALES, SEEDS, withOverrides } from './scales.js'
import { readStudy, studyCell } from './study-folder.js'

describe.each(SCALES)('the grid of scale %s', (scale) => {
  const { base, random, sizes } = gridOf(scale, 'embedded')
  const variants = variantsOf(base, random, sizes)

  it('asks all ten questions, each of at least two variants, of inherited and random tiers', () => {
    for (const question of Object.keys(QUESTIONS).map(Number)) {
      const asking = variants.filter(({ questions }) => (questions as readonly number[]).includes(question))
      expect(new Set(asking.map(({ name }) => name)).size, `${question}`).toBeGreaterThan(1)
      expect(new Set(asking.map(({ start }) => start)), `${question}`).toEqual(new Set(['inherit', 'random']))
    }
  })

  it('is made of plain configurations that differ', () => {
    const texts = variants.map(({ config, stage }) => JSON.stringify([runConfig.parse(config), stage]))
    for (const { config } of variants) for (const { width } of config.tiers) expect(width % sizes.heads).toBe(0)
    const repeated = texts.filter((text, i) => texts.indexOf(text) !== i)
    // All losses with the supervision that is the default anyway.
    expect(repeated.length).toBeLessThanOrEqual(4)
  })

  it('is of recipes that can run', async () => {
    const data = { training: await loadTrain() }
    for (const { name, start, config } of variants) {
      const { ancestor } = buildRecipe(config, data, 0, '')
      expect(ancestor, `${name}, ${start}`).toBeDefined()
    }
  })

  it('has a cell for each of three seeds, by a name of its own', () => {
    const cells = cellsOf({ base, random, sizes }, undefined, SEEDS)
    expect(cells).toHaveLength(3 * variants.length)
    expect(new Set(cells.map(({ name }) => name)).size).toBe(cells.length)
    for (const cell of cells) studyCell.parse(cell)
  })

  it('gives nested widths the steps of the pool', () => {
    for (const { config } of variants.filter(({ stage }) => stage === 'nested')) {
      const pool = config.tiers.reduce((sum, { epochs }) => sum + epochs, config.fineTuning.epochs)
      expect(3 * config.nested!.epochs).toBeCloseTo(pool, 9)
    }
  })
})

describe('a grid', () => {
  it('for pictures of another kind trains its ancestor', () => {
    const { base, sizes } = gridOf('quick', '/pictures', { imageSize: [32, 32], patchSize: 4, channels: 3 })
    expect(base).toMatchObject({ ancestor: 'train', model: { imageSize: [32, 32], channels: 3 }, images: { training: '/pictures' } })
    expect(sizes.depth).toBe(base.model!.depth)
  })

  it('of tiers so narrow that halves of them are one width has one tier there', async () => {
    const given = { tiers: [{ width: 6, epochs: 1 }, { width: 12, epochs: 1 }] } // biome-ignore format: short
    const { base, random, sizes } = withOverrides(gridOf('quick', 'embedded'), given)
    const halves = variantsOf(base, random, sizes).filter(({ name }) => name === 'half the widths')
    expect(halves.map(({ config }) => config.tiers.map(({ width }) => width))).toEqual([[6], [6]])
    const data = { training: await loadTrain() }
    for (const { config } of halves) expect(() => buildRecipe(config, data, 0, '')).not.toThrow()
  })

  it('takes what it is given for its base, tiers from random weights too', () => {
    const given = { tiers: [{ width: 6, epochs: 1 }, { width: 9, epochs: 1 }], distillation: { batchSize: 8 } } // biome-ignore format: short
    const { base, random, sizes } = withOverrides(gridOf('quick', 'embedded'), given)
    expect([base.tiers, random.tiers, sizes.widths, base.distillation.batchSize]).toEqual([given.tiers, undefined, [6, 9], 8])
  })
})

it('is shown with what is open, and no deviation that was not measured', () => {
  const rows = [{ variant: 'base', start: 'inherit' as const, seeds: [0, 1], measures: { smallest: { mean: 0.5, deviation: 0.01 } } }]
  const alone = { ...rows[0]!, variant: 'alone', seeds: [0], measures: { smallest: { mean: 0.5, deviation: 0 } } }
  const report: StudyReport = {
    ...{ schema: 1, scale: 'quick', open: ['base.random.0'], cells: 3, seconds: 12 },
    questions: [
      { question: 1, title: 'How', rows: [...rows, alone], open: ['base.random.0'] },
      { question: 2, title: 'What', rows: [], open: [] },
    ],
  }
  const text = renderStudy(report)
  expect(text).toContain('2 of 3 cells have run, 12 s of computing')
  expect(text).toContain('| base | inherited | 2 | 50.0 ± 1.0 |')
  expect(text).toContain('| alone | inherited | 1 | 50.0 |')
  expect(text).toContain('Open: base.random.0.')
  expect(text).toContain('## 2 What\n\nNothing has run yet.')
})

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

describe.skipIf(reason !== '')(`learngene study${reason}`, () => {
  let root: string
  let dir: string
  const run = (...args: string[]) => execFileSync(process.execPath, [bin, ...args], { encoding: 'utf8', stdio: 'pipe', cwd: root })
  const units = () => decodeUnits(readFileSync(join(dir, 'units.jsonl'), 'utf8'), 'units.jsonl')

  beforeAll(async () => {
    root = await temporaryDirectory()
    dir = join(root, 'study')
    const tiny = {
      images: { trainingImages: 60, validationImages: 20, testImages: 30 },
      tiers: [
        { width: 6, depth: 2, epochs: 1 },
        { width: 12, depth: 2, epochs: 1 },
      ],
      calibrationImages: 16,
      space: { kind: 'aligned', stride: 1 },
      distillation: { batchSize: 20 },
      fineTuning: { batchSize: 20, epochs: 1 },
      featureImages: 16,
      comparisonImages: 10,
      heldOutImages: 10,
    }
    writeFileSync(join(root, 'tiny.json'), JSON.stringify(tiny))
    const grid = ['--config', 'tiny.json', '--questions', '9', '--seeds', '0', '--backend', 'wasm', '--workers', '1']
    run('study', 'plan', 'study', ...grid, '--quiet')
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('plans what several cells share once, before the cells', async () => {
    const cells = (await readStudy(dir)).cells
    const shared = units().filter(({ stage }) => stage !== 'choose')
    expect(shared.map(({ stage }) => stage).sort()).toEqual([
      'ancestor',
      ...['inherit:w12d2', 'inherit:w6d2', 'pool', 'pool', 'pool', 'preview', 'preview', 'preview', 'stitches', 'stitches', 'stitches'],
      ...['tier:w12d2', 'tier:w12d2', 'tier:w12d2', 'tier:w6d2', 'tier:w6d2', 'tier:w6d2'],
    ])
    expect(units().filter(({ stage }) => stage === 'choose').map(({ cell }) => cell)).toEqual(cells.map(({ name }) => name)) // biome-ignore format: short
    expect(wavesOf(units()).length).toBeGreaterThan(3)
  })

  it('runs a cell, and tells what ran and what is open', () => {
    const cell = 'tuned-with-0-labels.inherit.0'
    const index = String(units().findIndex((unit) => unit.cell === cell && unit.stage === 'choose'))
    const unit = () => JSON.parse(run('unit', 'run', 'study/units.jsonl', '--index', index, '--quiet', '--json'))
    expect(unit()).toMatchObject({ cell, stage: 'choose', ran: true })
    expect(unit()).toMatchObject({ ran: false })
    const report = JSON.parse(run('study', 'report', 'study', '--json', '--quiet')) as StudyReport
    const [own, ...others] = report.questions
    expect([own!.question, others]).toEqual([9, []])
    expect(own!.rows.map(({ variant, start, seeds }) => [variant, start, seeds])).toEqual([['tuned with 0 % labels', 'inherit', [0]]])
    expect(own!.rows[0]!.measures.smallest!.mean).toBeGreaterThanOrEqual(0)
    expect(report.open).not.toContain(cell)
    expect(report.open).toHaveLength(report.cells - 1)
    expect(readFileSync(join(dir, 'report.md'), 'utf8')).toContain('| tuned with 0 % labels | inherited | 1 |')
    expect(readdirSync(join(dir, '.locks'))).toEqual([])
  })

  it('runs all others where a unit fails, leaves out those that need it, and says so', () => {
    const failing = join(root, 'failing')
    run(
      'study',
      'plan',
      'failing',
      '--config',
      'tiny.json',
      '--questions',
      '9',
      '--seeds',
      '0',
      '--backend',
      'wasm',
      '--workers',
      '1',
      '--quiet',
    )
    const file = join(failing, 'units.jsonl')
    const wrong = 'f'.repeat(64)
    const lines = readFileSync(file, 'utf8').split('\n')
    const some = lines.filter((line) => !line.includes('"stage":"choose"') || line.includes('"cell":"tuned-with-0-'))
    const planned = decodeUnits(some.join('\n'), file)
    const tier = planned.find(({ stage, cell }) => stage === 'tier:w6d2' && cell!.includes('.random.'))!
    // As where configuration or images have changed since.
    writeFileSync(file, some.join('\n').replaceAll(tier.key, wrong))
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'study', 'run', 'failing', '--json'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    const { units: all, ran, failed } = JSON.parse(stdout)
    expect([all, failed > 1, ran]).toEqual([planned.length, true, planned.length - failed])
    expect(stderr).toMatch(/: tier:w6d2 of \S+ failed: 'tier:w6d2' of \S+ was listed with key ffffffff/)
    expect(stderr).toMatch(/: pool of \S+ failed: it needs 'tier:w6d2', which has failed/)
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `learngene: ${failed} of ${all} units of failing have failed, as said above, or need one that has; all others stand. npx learngene study run failing tries them again`,
    )
    const report = JSON.parse(run('study', 'report', 'failing', '--json', '--quiet')) as StudyReport
    expect(report.cells - report.open.length).toBeGreaterThan(0)
  })

  it('names what a shared stage lacks, plans only what is left, and knows what it costs', () => {
    const index = units().findIndex(({ stage, cell }) => stage === 'stitches' && cell!.includes('.random.'))
    expect(() => run('unit', 'run', 'study/units.jsonl', '--index', String(index))).toThrow(
      /'stitches' needs 'tier:w6d2', which has not run/,
    )
    const before = units().length
    const again = JSON.parse(
      run('study', 'plan', 'study', '--config', 'tiny.json', '--questions', '9', '--seeds', '0', '--quiet', '--json'),
    )
    expect(again).toMatchObject({ done: 1, measured: true })
    expect(again.units).toBeLessThan(before)
    expect(again.seconds).toBeGreaterThan(0)
    expect(() => run('study', 'report', 'nowhere')).toThrow('nowhere is no study: study.json cannot be read (ENOENT)')
  })

  it('goes on from the results that are kept in this repository: their recipes are still those of the grid', () => {
    const kept = fileURLToPath(new URL('../../../../benchmarks/study/overnight.jsonl', import.meta.url))
    const lines = readFileSync(kept, 'utf8').trimEnd().split('\n').length
    const planned = JSON.parse(run('study', 'plan', join(root, 'goes-on'), '--scale', 'overnight', '--results', kept, '--json'))
    expect(planned).toMatchObject({ cells: 165, done: lines, results: { given: lines, other: 0 } })
  })

  it('keeps what was measured when all else is gone', () => {
    const files = () => ['report.json', 'results.jsonl'].map((file) => readFileSync(join(dir, file), 'utf8'))
    const [report, kept] = files()
    const [line, ...others] = kept!.trimEnd().split('\n')
    expect(others).toEqual([])
    const { cell, key, createdBy, stages } = JSON.parse(line!)
    expect([cell, createdBy]).toEqual(['tuned-with-0-labels.inherit.0', expect.stringMatching(/^@learngene\/recipe /)])
    expect(stages.at(-1)).toMatchObject({ stage: 'choose', key })
    expect(stages.reduce((sum: number, { seconds }: { seconds: number }) => sum + seconds, 0)).toBeCloseTo(JSON.parse(report!).seconds, 9)

    writeFileSync(join(root, 'kept.jsonl'), kept!)
    rmSync(dir, { recursive: true })
    const grid = ['--config', 'tiny.json', '--questions', '9', '--seeds', '0', '--results', 'kept.jsonl']
    const again = JSON.parse(run('study', 'plan', 'study', ...grid, '--quiet', '--json'))
    expect(again).toMatchObject({ done: 1, results: { given: 1, other: 0 } })
    expect(units().map((unit) => unit.key)).not.toContain(key)
    run('study', 'report', 'study', '--quiet')
    expect(files()).toEqual([report, kept])
  })
})
