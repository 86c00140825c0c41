import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleReport } from '../report/sample.fixture.js'
import { fingerprintOf } from '../run/build-recipe.js'
import { type ProgramOptions, runProgram } from '../run/program.js'
import { readStoredRun } from '../run/run-folder.js'
import { smallRun, writeSmallPictures } from '../run/small-pictures.fixture.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'

vi.mock('../run/program.js', () => ({ runProgram: vi.fn() }))
const program = vi.mocked(runProgram)

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
  await writeSmallPictures(join(root, 'bilder ü'), 3)
  await writeFile(join(root, 'classes.txt'), 'unten\noben\nmitte ü\n')
})
afterAll(() => rm(root, { recursive: true }))
beforeEach(() => {
  program.mockReset()
  program.mockResolvedValue(sampleReport())
})

const write = async (name: string, value: unknown) => {
  await writeFile(join(root, name), typeof value === 'string' ? value : JSON.stringify(value))
  return join(root, name)
}
const asked = () => program.mock.calls[0]![0] as ProgramOptions
const near = (name: string) => relative(process.cwd(), join(root, name))

it('stores no path that another working directory would change', async () => {
  const images = { training: near('bilder ü'), validation: near('bilder ü'), test: near('bilder ü'), classes: near('classes.txt') }
  const config = await write('relative.json', { ...smallRun, images })
  const { stderr } = await run(['run', '--config', config, '--out', 'z', '--quiet'])
  expect(stderr).toBe('')
  const dir = join(root, 'bilder ü')
  expect(asked().config.images).toMatchObject({ training: dir, validation: dir, test: dir, classes: join(root, 'classes.txt') })
})

it.each([
  [{ ancestor: 7 }, "'ancestor' must be text, got 7"],
  [{ images: 'pics' }, "'images' must be an object, got 'pics'"],
  [{ images: { training: 7 } }, "'images.training' must be text, got 7"],
  [{ data: 'x' }, "'data': must be a function, got 'x'"],
  [{ data: {} }, "'data': must be a function, got an object"],
])('tells a wrong value before it is used: %j', async (value, message) => {
  const config = await write('wrong.json', value)
  const { code, stdout, stderr } = await run(['run', '--config', config, '--ancestor', 'train', '--out', 'z'])
  expect([code, stdout, stderr]).toEqual([2, '', `learngene: ${config}: ${message}\n`])
})

it.each(['facebook/deit-tiny-patch16-224', 'trains'])(
  'tells an ancestor that is nowhere, and what ancestors there are: %s',
  async (ancestor) => {
    const { code, stderr } = await run(['run', '--images', join(root, 'bilder ü'), '--ancestor', ancestor, '--out', 'z'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`no file or folder is named '${ancestor}'; an ancestor is a model file or folder, 'hf:facebook/`),
    ])
    expect(program).not.toHaveBeenCalled()
  },
)

it('tells data that are none', async () => {
  const config = await write('data.mjs', 'export default { data: () => ({ training: [1] }) }')
  const { code, stderr } = await run(['run', '--config', config, '--ancestor', 'train', '--out', 'z'])
  expect([code, stderr]).toEqual([
    2,
    'learngene: data: training must be a dataset, for example of imageFolder or arrayDataset; got an array of 1\n',
  ])
})

const stored = { schema: 1, command: 'run', version: '1', seed: 3, config: { ...smallRun, images: { training: 'own' } } }

it('goes on with the seed of the run, unless another is given', async () => {
  await mkdir(join(root, 'run'), { recursive: true })
  await write('run/run.json', stored)
  await run(['run', '--out', join(root, 'run'), '--quiet'])
  await run(['run', '--out', join(root, 'run'), '--quiet', '--seed', '0'])
  expect(program.mock.calls.map(([{ seed }]) => seed)).toEqual([3, 0])
})

it.each([
  [{ schema: 1 }, "'command' must be"],
  [{ ...stored, seed: 'x' }, "'seed' must be"],
  [{ ...stored, config: {} }, "'config.ancestor' cannot be"],
  [{ ...stored, config: undefined }, "'config' cannot be"],
  ['{"schema":', 'is not JSON'],
])('refuses a run.json that is damaged: %j', async (value, message) => {
  await mkdir(join(root, 'damaged'), { recursive: true })
  await write('damaged/run.json', value)
  await expect(readStoredRun(join(root, 'damaged'))).rejects.toThrow(message)
  await expect(readStoredRun(join(root, 'damaged'))).rejects.toThrow('start anew with --force')
  await expect(readStoredRun(join(root, 'damaged', 'run.json'))).rejects.toThrow('is a file; name the directory of a run')
})

it('sizes an ancestor by the pictures that can be read, and leaves the others to the run', async () => {
  const dir = join(root, 'broken')
  await writeSmallPictures(dir, 3)
  const sizes = async () => {
    program.mockClear()
    const { stderr } = await run(['run', '--images', dir, '--ancestor', 'train', '--skip-unreadable', '--out', 'z', '--quiet'])
    expect(stderr).toBe('')
    return asked().config.model
  }
  const whole = await sizes()
  await write('broken/oben/0.png', 'no picture')
  expect(await sizes()).toEqual(whole)
  for (const name of ['oben', 'mitte ü', 'unten']) for (const i of [0, 1, 2]) await write(`broken/${name}/${i}.png`, 'no picture')
  expect((await run(['run', '--images', dir, '--ancestor', 'train', '--out', 'z'])).stderr).toContain('cannot be decoded as an image')
})

it('takes no ancestor from a run that is not finished', async () => {
  await mkdir(join(root, 'half'), { recursive: true })
  await write('half/run.json', stored)
  await expect(fingerprintOf(join(root, 'half'))).rejects.toThrow('the run must have chosen a model')
})

it.each<[object, string]>([
  [{ space: { kind: 'aligned', stride: 0 } }, 'space: stride must be an integer of at least 1, got 0'],
  [
    { space: { kind: 'alinged' } },
    "space.kind must be one of slidingWindow, multiStitch, aligned, singleTiers, earlyExits, twoWay; got 'alinged'",
  ],
  [{ budget: { mac: 5 } }, 'budget caps macs, parameters, memory, bytes; got mac'],
  [{ initialisers: ['rigde'] }, "initialisers are learned, paper, pinv, leastSquares, ridge, random, identity; got 'rigde'"],
  [{ tiers: [smallRun.tiers[0], smallRun.tiers[0]] }, 'tiers must ascend by width; got 6, 6'],
])('tells what only the recipe knows to be wrong before anything is written: %j', async (change, message) => {
  const config = await write('impossible.json', { ...smallRun, images: { training: join(root, 'bilder ü') }, ...change })
  for (const more of [['--out', join(root, 'none')], ['--print-config']]) {
    const { code, stdout, stderr } = await run(['run', '--config', config, ...more])
    expect([code, stdout, stderr]).toEqual([2, '', `learngene: ${config}: ${message}\n`])
  }
  expect(program).not.toHaveBeenCalled()
})

describe('in the folder of a run', () => {
  let dir: string
  const pictures = () => join(root, 'bilder ü')
  const small = (change: object = {}) => ({ ...smallRun, images: { training: pictures() }, ...change })
  beforeAll(async () => {
    dir = join(root, 'made by a file')
    await mkdir(dir)
    await write('made by a file/own.json', { budgets: [7] })
    await write('made by a file/run.json', { ...stored, config: small(), configFile: join(dir, 'own.json') })
  })

  const given = async (...argv: string[]) => {
    const { stderr } = await run(['run', '--out', dir, '--quiet', ...argv])
    expect(stderr).toBe('')
    const { config, seed, configFile } = asked()
    return { config, seed, configFile }
  }
  const ofFolder = (change: object = {}) => ({ config: small(change), seed: 3, configFile: join(dir, 'own.json') })

  it.each<[readonly string[], object]>([
    [['--ancestor', 'train'], {}],
    [['--budget', 'macs=1k'], { budget: { macs: 1000 } }],
    [['--tiers', '6'], {}],
    [['--tiers', '4x1,8'], { tiers: [{ width: 4, depth: 1, epochs: 4 }, { width: 8, epochs: 4 }] }], // biome-ignore format: short
    [
      ['--precision', 'float32'],
      { distillation: { ...smallRun.distillation, precision: 'float32' }, fineTuning: { ...smallRun.fineTuning, precision: 'float32' } },
    ],
  ])('%j is laid over its configuration', async (argv, change) => {
    expect(await given(...argv)).toEqual(ofFolder(change))
  })

  it('its images may be named again, and have moved', async () => {
    expect(await given('--images', near('bilder ü'), '--ancestor', 'train')).toEqual(ofFolder())
    program.mockClear()
    expect(await given('--images', root, '--validation', pictures())).toEqual(
      ofFolder({ images: { training: root, validation: pictures() } }),
    )
  })

  it('another configuration or ancestor takes its place', async () => {
    const file = await write('another.json', { fineTuning: { epochs: 7 }, images: { training: pictures() } })
    const another = await given('--config', file, '--ancestor', 'train')
    expect(another).toMatchObject({ config: { fineTuning: { epochs: 7 }, model: { width: 96 } }, seed: 0, configFile: file })
    program.mockClear()
    const embedded = await given('--ancestor', 'embedded', '--images', pictures())
    expect(embedded).toMatchObject({ config: { ancestor: 'embedded', adaptation: {} }, seed: 0 })
    expect(embedded.configFile).toBeUndefined()
  })

  it('--force starts anew: by the command, or where it says nothing, by the folder', async () => {
    expect(await given('--force')).toEqual(ofFolder())
    program.mockClear()
    expect(await given('--force', '--images', pictures(), '--ancestor', 'train')).toMatchObject({
      config: { model: { width: 96 } },
      seed: 0,
    })
  })

  it('one that is damaged stands in the way of what needs it alone', async () => {
    await mkdir(join(root, 'damaged'), { recursive: true })
    await write('damaged/run.json', '{"schema":')
    const damaged = (...argv: string[]) => run(['run', '--out', join(root, 'damaged'), '--quiet', ...argv])
    expect((await damaged('--budget', 'macs=1k')).stderr).toContain('run.json is not JSON')
    expect((await damaged('--images', pictures(), '--ancestor', 'train')).code).toBe(0)
  })
})
