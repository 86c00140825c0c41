import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plan } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import type { RunConfig } from './config.js'
import { type PreparedRun, prepareRun } from './program.js'
import { readStoredRun, stagesOfRun } from './run-folder.js'
import { smallRun, writeSmallPictures } from './small-pictures.fixture.js'

let root: string
let config: RunConfig
let dir: string
beforeAll(async () => {
  root = await temporaryDirectory()
  await writeSmallPictures(join(root, 'pictures'), 10)
  await writeSmallPictures(join(root, 'others'), 11)
  await writeFile(join(root, 'others', 'oben', '3.png'), 'no picture')
  config = { ...smallRun, tiers: [{ width: 6, epochs: 4 }, { width: 8, epochs: 1 }], images: { training: join(root, 'pictures') } } // biome-ignore format: short
})
afterAll(() => rm(root, { recursive: true }))

const prepare = async (
  change: Partial<RunConfig> = {},
  { computes = true, seed = 0, force = false, use = async (_: PreparedRun) => {} } = {},
) => {
  const said: string[] = []
  const signal = new AbortController().signal
  const report = (event: { kind: string; text?: string }) => void (event.kind === 'message' && said.push(event.text!))
  const program = { command: 'run', outDir: dir, config: { ...config, ...change }, seed, force, backend: 'cpu', report, signal } as const
  await prepareRun(program, use, { computes })
  return said
}

/** Leaves an artifact of each stage, as if all had run. */
async function finish({ recipe }: PreparedRun) {
  const store = diskStore(stagesOfRun(dir))
  for (const { stage, key, depends } of await plan(await recipe())) await store.write(stage.name, key, {}, {}, { depends })
}

const files = async () =>
  Object.fromEntries(await Promise.all(['run.json', 'pictures.json'].map(async (name) => [name, await readFile(join(dir, name), 'utf8')])))

let runs = 0
beforeEach(async () => {
  dir = join(root, `run ${runs++}`)
  await prepare({}, { use: finish })
})

it('goes on with what has run', async () => {
  const before = await files()
  expect(await prepare({}, { computes: false })).toEqual([])
  expect(await prepare()).toEqual([])
  expect(await files()).toEqual(before)
})

it('takes other settings that no finished stage depends on', async () => {
  expect(await prepare({ images: { ...config.images, memoryLimit: 1e6 } }, { computes: false })).toEqual([])
  expect((await readStoredRun(dir)).config.images.memoryLimit).toBe(1e6)
})

it.each<[Partial<RunConfig>, { seed?: number }, RegExp]>([
  [
    { fineTuning: { ...smallRun.fineTuning, epochs: 9 } },
    {},
    / has run with other settings: fineTuning\.epochs; .* so tune, .*choose would/,
  ],
  [
    { tiers: [{ width: 6, epochs: 4 }] },
    {},
    / has run with other settings: tiers; .*pool.*, inherit:w8, tier:w8 would be of no run any more/,
  ],
  [{}, { seed: 1 }, / has run with other settings: seed; /],
])('refuses other settings where nothing is computed, and leaves all as it was: %j %j', async (change, more, message) => {
  const before = await files()
  const error = await prepare(change, { computes: false, ...more }).catch((error: Error) => error)
  expect(error).toBeInstanceOf(UsageError)
  expect((error as Error).message).toMatch(message)
  expect((error as Error).message.startsWith(dir)).toBe(true)
  expect(await files()).toEqual(before)
})

it('refuses other pictures there, whether they can be read or not', async () => {
  const before = await files()
  for (const skipUnreadable of [false, true])
    await expect(prepare({ images: { training: join(root, 'others'), skipUnreadable } }, { computes: false })).rejects.toThrow(
      'images.training',
    )
  expect(await files()).toEqual(before)
})

it('says what it makes anew where it computes, and nothing on the way back', async () => {
  const change = { fineTuning: { ...smallRun.fineTuning, epochs: 9 } }
  const said = await prepare(change)
  expect(said).toEqual([
    expect.stringMatching(/ had other settings: fineTuning\.epochs; what has run with them is made anew or left out: tune, .*choose$/),
  ])
  expect((await readStoredRun(dir)).config.fineTuning.epochs).toBe(9)
  expect(await prepare()).toEqual([])
})

it('leaves a folder as it was where a configuration cannot be', async () => {
  const before = await files()
  for (const force of [false, true])
    await expect(prepare({ space: { kind: 'aligned', stride: 0 } }, { force })).rejects.toThrow(
      'stride must be an integer of at least 1, got 0',
    )
  expect(await files()).toEqual(before)
  dir = join(root, 'none')
  await expect(prepare({ initialisers: ['rigde'] })).rejects.toThrow('initialisers are')
  await expect(prepare({ images: { training: join(root, 'nowhere') } })).rejects.toThrow('nowhere')
  expect(await readdir(dir).catch(() => [])).toEqual([])
})

it('empties a folder only by --force', async () => {
  expect(await prepare({}, { force: true, computes: false, seed: 1 })).toEqual([])
  expect(await readdir(stagesOfRun(dir))).toEqual([])
})
