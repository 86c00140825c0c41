import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { writeSmallPictures } from '../run/small-pictures.fixture.js'
import { cellsOf } from '../study/plan-study.js'
import { gridOf } from '../study/scales.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { decodeUnits } from '../units/unit-file.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

describe('learngene study', () => {
  it.each([
    [['plan', 'DIR', '--seeds', '0,0'], '--seeds must be a list of different integers of at least 0, such as 0,1,2; got 0,0'],
    [['plan', 'DIR', '--seeds', '9'.repeat(20)], '--seeds must be a list of different integers'],
    [['plan', 'DIR', '--seeds', '0', '--seed', '1'], 'study plan takes --seeds <list> or --seed <integer>, not both'],
    [['plan', 'DIR', '--questions', '0'], '--questions must be a list of numbers of the ten questions, such as 1,2; got 0'],
    [['plan', 'DIR', '--questions', '1,11'], 'got 1,11'],
    [['run', 'DIR', '--scale', 'gpu'], '--scale belongs to study plan; study run takes what was planned'],
    [['report', 'DIR', '--config', 'c.json'], '--config belongs to study plan; study report takes what was planned'],
    [['plan', 'DIR', '--results', 'a.jsonl,'], "--results must be files, such as a.jsonl,b.jsonl; got 'a.jsonl,'"],
    [['plan', 'DIR', '--results', 'nowhere.jsonl'], 'nowhere.jsonl cannot be read (ENOENT); name a file that'],
    [['report', 'DIR', '--results', 'a.jsonl'], '--results belongs to study plan; study report takes what was planned'],
    [['report', 'DIR', '--workers', '2'], '--workers belongs to study plan and study run'],
  ])('refuses %j', async (argv, message) => {
    const { code, stdout, stderr } = await run(['study', ...argv.map((each) => (each === 'DIR' ? join(root, 'study') : each))])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['a.json', '{"tiers": "abc"}', "a.json: 'tiers' must be an array, got 'abc'"],
    ['b.json', '{"tiers": [{"width": -3, "epochs": 1}]}', "'tiers.0.width' must be more than 0, got -3"],
    ['c.mjs', 'export default { data: () => 1 }', "c.mjs: a study keeps its recipes as JSON, and 'data' is a function; leave it out"],
    ['d.mjs', 'export default { fineTuning: { loss: () => 1 } }', "'loss' is a function"],
  ])('refuses what cannot be a recipe or be kept as one: %s', async (name, text, message) => {
    await writeFile(join(root, name), text)
    const { code, stderr } = await run(['study', 'plan', join(root, 'refused'), '--config', join(root, name), '--quiet'])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('names what it reads from wherever it is planned', async () => {
    await writeFile(join(root, 'own.json'), '{"ancestor": "nowhere.safetensors"}')
    const { stderr } = await run(['study', 'plan', join(root, 'own'), '--config', join(root, 'own.json'), '--quiet'])
    expect(stderr).toBe(`learngene: ${resolve('nowhere.safetensors')}: there is no such file\n`)
  })

  it('makes nothing among the pictures, and says before it plans that batches do not divide by the workers', async () => {
    const pictures = join(root, 'pictures')
    await writeSmallPictures(pictures, 2)
    const before = await readdir(pictures)
    const { code, stderr } = await run(['study', 'plan', join(pictures, 'study'), '--images', pictures, '--quiet'])
    expect(code).toBe(1)
    expect(stderr).toContain('is inside the folder of the training pictures')
    expect(await readdir(pictures)).toEqual(before)
    const uneven = await run(['study', 'plan', join(root, 'uneven'), '--workers', '7', '--quiet'])
    expect([uneven.code, uneven.stderr]).toEqual([
      2,
      'learngene: distillation.batchSize must divide by the number of workers; got 40 images and 7 workers\n',
    ])
  })

  it('says how to come by the units that it lacks, of a study that was edited under Windows', async () => {
    const dir = join(root, 'edited')
    await mkdir(dir)
    const study = { schema: 1, version: '0.0.0', scale: 'quick', questions: [9], cells: cellsOf(gridOf('quick', 'embedded'), [9], [0]) }
    await writeFile(join(dir, 'study.json'), `\uFEFF${JSON.stringify(study, null, 1).replaceAll('\n', '\r\n')}`)
    const { code, stderr } = await run(['study', 'run', dir, '--quiet'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/units\.jsonl cannot be read \(ENOENT\); plan the study again: npx learngene study plan [^\n]+\n$/)
  })

  it('takes what files of results tell for done, also where nothing else is left of it', async () => {
    const dir = join(root, 'told')
    const plan = (...more: string[]) => run(['study', 'plan', dir, '--questions', '5', '--seeds', '0', '--quiet', ...more])
    const units = async () => decodeUnits(await readFile(join(dir, 'units.jsonl'), 'utf8'), 'units.jsonl')
    await plan()
    const cells = (await units()).filter(({ stage }) => stage === 'choose')
    const lines = cells.map(({ cell, key }, i) => ({
      ...{ schema: 1, cell, variant: 'v', start: 'inherit', seed: 0, key, createdBy: 'x', created: 'y' },
      measures: { smallestMacs: 1e6, smallestParameters: 10, smallest: i / 100, best: 0.5, stored: 10 },
      stages: [{ stage: 'ancestor', key: 'a'.repeat(64), seconds: 1 }],
    }))
    const [first, ...rest] = lines.map((line) => `${JSON.stringify(line)}\n`)
    const foreign = JSON.stringify({ ...lines[0], key: 'f'.repeat(64) })
    await writeFile(join(root, 'first.jsonl'), first!)
    await writeFile(join(root, 'rest.jsonl'), `\uFEFF${[foreign, '\n', ...rest].join('').replaceAll('\n', '\r\n')}`)
    const files = ['--results', join(root, 'first.jsonl'), '--results', join(root, 'rest.jsonl')]
    const { stdout } = await plan(...files)
    expect(stdout).toContain(
      `${cells.length} cells, ${cells.length} done\n1 of ${cells.length + 1} results are of other recipes or images\n0 units`,
    )

    const kept = await readFile(join(dir, 'results.jsonl'), 'utf8')
    const told = kept.trimEnd().split('\n').map((line) => JSON.parse(line).cell) // biome-ignore format: short
    expect(told).toEqual(cells.map(({ cell }) => cell))
    for (const each of await readdir(dir)) if (each !== 'results.jsonl') await rm(join(dir, each), { recursive: true })
    await plan()
    expect(await units()).toEqual([])
    const report = await run(['study', 'report', dir, '--quiet'])
    expect(report.stdout).toContain(`${cells.length} of ${cells.length} cells have run`)
    expect(await readFile(join(dir, 'results.jsonl'), 'utf8')).toBe(kept)

    await writeFile(join(root, 'other.jsonl'), first!.replace('"best":0.5', '"best":0.25'))
    const refused = await plan('--results', join(root, 'other.jsonl'))
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/other\.jsonl:1: the measures of \S+ must be those of \S+results\.jsonl:1, [^\n]+\n$/)
  })
})
