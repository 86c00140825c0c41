import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rotatedFrom } from '@learngene/inherit'
import { createRng } from '@learngene/training'
import { costOf, createViT, disposeNetwork, forward } from '@learngene/vit-blocks'
import { loadModelFile, saveModelFile } from '@learngene/vit-blocks/node'
import { memory, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { details as fashionDetails, temporaryDirectory, writeModel } from '../run.fixture.js'
import { tinyDetails, writeImages, writeLively } from './cut.fixture.js'

let root: string
let model: string
let labelled: string
let flat: string
beforeAll(async () => {
  root = await temporaryDirectory()
  model = await writeLively(join(root, 'tiny.safetensors'))
  labelled = await writeImages(join(root, 'labelled'), ['cat', 'dog'], 30)
  flat = await writeImages(join(root, 'flat'), ['.'], 12)
})
afterAll(() => rm(root, { recursive: true }))

const cut = (...argv: string[]) => run(['cut', ...argv, '--backend', 'wasm'])
/** A result, and that it left no tensor behind. */
async function cutJson(...argv: string[]) {
  const before = memory().numTensors
  const { code, stdout, stderr } = await cut(...argv, '--json')
  expect(code, stderr).toBe(0)
  expect(memory().numTensors).toBe(before)
  return JSON.parse(stdout)
}
const at = (name: string) => join(root, name)
const oneLine = /^learngene: [^\n]+\n$/

describe('learngene cut', () => {
  it('cuts the embedded ancestor to a quarter of its width, which stays close to it, and tells the next command', async () => {
    const out = at('w24.safetensors')
    const written = await cutJson('embedded', '--width', '24', '--calibration', '64', '--limit', '100', '--out', out)
    expect(written).toMatchObject({ width: 24, depth: 12, heads: 3, fitted: true, epochs: 0, chosen: null, rotated: null, file: out })
    expect(written.judged).toEqual({ images: 'Fashion-MNIST subset test', count: 100 })
    expect(written.divergence).toBeLessThan(0.06)
    expect(written.accuracy).toBeGreaterThan(0.8)
    expect(written.macs).toBeLessThan(0.08 * written.ancestor.macs)
    expect(written.bytes).toBe((await readFile(out)).length)
    expect(written.next).toBe(`npx learngene evaluate ${out}`)
    const { network, details } = await loadModelFile(out)
    expect(costOf(network)).toEqual({ macs: written.macs, parameters: written.parameters, memory: written.memory })
    expect(details).toMatchObject({
      dataset: 'Fashion-MNIST',
      cutFrom: { model: 'embedded', width: 96, depth: 12, heads: 3, standsFor: written.standsFor, fitted: true, epochs: 0 },
    })
    disposeNetwork(network)
    const { stdout } = await run(['evaluate', out, '--limit', '100', '--json'])
    expect(JSON.parse(stdout).accuracy).toBeGreaterThan(0.75)
  })

  it('cuts a model by a folder whose subfolders are its classes, by name in the order of the model', async () => {
    const out = at('labelled.safetensors')
    const argv = [model, '--images', labelled, '--calibration', '20', '--width', '6', '--blocks', '2', '--out', out]
    const written = await cutJson(...argv)
    expect(written.judged).toEqual({ images: labelled, count: 40 })
    expect(written.standsFor).toHaveLength(2)
    expect(Math.abs(written.accuracy * 40 - Math.round(written.accuracy * 40))).toBeLessThan(1e-6)
    // The names stand in another order than the folders: labels by order give the complement of those by name.
    const byOrder = await writeLively(at('unnamed.safetensors'), {}, { normalisation: tinyDetails.normalisation! })
    const other = await cutJson(byOrder, ...argv.slice(1))
    expect(other.accuracy).toBeCloseTo(1 - written.accuracy, 6)
    expect(other.divergence).toBe(written.divergence)
    expect((await cutJson(...argv)).divergence).toBe(written.divergence)
  })

  it('takes a flat folder without labels, judges by the images themselves where there are few, and says what it wrote', async () => {
    const out = at('flat small.safetensors')
    const { code, stdout } = await cut(model, '--images', flat, '--width', '8', '--out', out)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^w8d3, 2 heads, fitted: [\d.]+ k of [\d.]+ k MACs \([\d.]+ %\), [\d.]+ k of [\d.]+ k parameters\n/)
    expect(stdout).toContain(`, on 12 images of ${flat}\nwrote ${out} (`)
    expect(stdout).not.toContain('accuracy')
    const next = [
      `  npx learngene classify '${out}' ${flat}`,
      `  npx learngene cut ${model} --images ${flat} --width 8 --blocks 3 --epochs 1 --out '${out}'`,
    ]
    expect(stdout.endsWith(`\n\nnext:\n${next.join('\n')}\n`)).toBe(true)
    const quiet = await cut(model, '--images', flat, '--width', '8', '--out', out, '--quiet')
    expect(quiet).toEqual({ code: 0, stdout: stdout.slice(0, stdout.indexOf('\nnext:')), stderr: '' })
  })

  it('fits: the cut is nearer to the model than the plain slice of the same size', async () => {
    const size = ['--width', '8', '--images', flat, '--out', at('fit.safetensors')]
    const plain = await cutJson(model, ...size, '--no-fit')
    const fitted = await cutJson(model, ...size)
    expect(plain.fitted).toBe(false)
    expect(fitted.divergence).toBeLessThan(plain.divergence)
  })

  it('takes grey models, and judges by the images of --test', async () => {
    const grey = await writeLively(
      at('grey.safetensors'),
      { channels: 1 },
      { normalisation: { mean: [0.5], std: [0.25] }, classNames: ['cat', 'dog'] },
    )
    const written = await cutJson(grey, '--images', flat, '--test', labelled, '--limit', '30', '--heads', '1', '--out', at('g.safetensors'))
    expect(written).toMatchObject({ width: 12, depth: 3, heads: 1, judged: { images: labelled, count: 30 } })
    expect(written.accuracy).toBeGreaterThanOrEqual(0)
  })

  it('trains afterwards, with labels or the logits alone, the same each time', async () => {
    const out = at('trained.safetensors')
    const argv = [model, '--images', labelled, '--width', '6', '--epochs', '12', '--seed', '3', '--out', out]
    const first = await cutJson(...argv, '--label-weight', '0')
    expect(first).toMatchObject({ epochs: 12, next: `npx learngene evaluate ${out} --images ${labelled}` })
    expect(first.divergence).toBeLessThan(first.untrained.divergence)
    expect((await cutJson(...argv, '--label-weight', '0')).divergence).toBe(first.divergence)
    expect((await cutJson(...argv)).divergence).not.toBe(first.divergence)
    const unlabelled = await cutJson(model, '--images', flat, '--width', '6', '--epochs', '2', '--out', out)
    expect(unlabelled.accuracy).toBeNull()
    const { code, stderr } = await cut(model, '--images', flat, '--width', '6', '--epochs', '1', '--label-weight', '0.5', '--out', out)
    expect(code).toBe(1)
    expect(stderr).toContain("--label-weight needs images whose subfolders are the model's classes")
  })
})

describe('learngene cut --budget', () => {
  it('chooses by what the few best promise, of the sizes within the caps, and tells the runner-up', async () => {
    const out = at('budget.safetensors')
    const written = await cutJson(model, '--images', labelled, '--budget', 'macs=15k,params=3k,memory=30kB', '--out', out)
    expect(written.macs).toBeLessThanOrEqual(15e3)
    expect(written.parameters).toBeLessThanOrEqual(3e3)
    expect(written.memory).toBeLessThanOrEqual(30e3)
    const { finalists, candidates, judged } = written.chosen
    expect(judged).toEqual({ images: labelled, count: 60 })
    expect(finalists.length).toBeLessThanOrEqual(Math.min(3, candidates))
    expect(finalists[0]).toMatchObject({ width: written.width, depth: written.depth, macs: written.macs })
    const divergences = finalists.map(({ divergence }: { divergence: number }) => divergence)
    expect(divergences).toEqual([...divergences].sort((a, b) => a - b))
    const { stdout } = await cut(model, '--images', labelled, '--budget', 'macs=15k', '--out', out)
    expect(stdout).toMatch(
      /^chosen within macs=15k: w\d+d\d \(KL \S+\), least KL to the model on 60 images of .*; runner-up w\d+d\d \(KL \S+\)\n/,
    )
  })

  it('names the smallest size for each cap that cannot be met, before any work', async () => {
    const { code, stdout, stderr } = await cut(model, '--images', flat, '--budget', 'macs=100,params=10', '--out', at('none.safetensors'))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(
      /no candidate fits the budget macs=100,parameters=10: the smallest by macs is w2d1 with \S+, the smallest by parameters is w2d1 with /,
    )
    expect(stderr).not.toContain('calibration')
    expect(existsSync(at('none.safetensors'))).toBe(false)
  })
})

describe('learngene cut --rotated', () => {
  it('writes the same function in principal order, from which every size is cut later without images', async () => {
    const rotated = at('rotated.safetensors')
    const made = await cutJson(model, '--images', labelled, '--rotated', rotated)
    expect(made).toMatchObject({ rotated: { file: rotated }, next: `npx learngene cut ${rotated} --images ${labelled} --list` })
    const [original, again] = [await loadModelFile(model), await loadModelFile(rotated)]
    expect(rotatedFrom(again)!.order.drops).toHaveLength(2)
    expect(again.details).toMatchObject(tinyDetails)
    const rng = createRng(5)
    const images = tensor4d(Float32Array.from({ length: 4 * 192 }, () => rng.normal()), [4, 8, 8, 3]) // biome-ignore format: short
    const [a, b] = [original, again].map(({ network }) => tidy(() => [...forward(network, images).logits.dataSync()])) as [
      number[],
      number[],
    ]
    const scale = Math.max(...a.map(Math.abs))
    for (const [i, value] of a.entries()) expect(Math.abs(b[i]! - value)).toBeLessThan(1e-4 * scale)
    images.dispose()
    disposeNetwork(original.network)
    disposeNetwork(again.network)

    const slice = at('slice.safetensors')
    const written = await cutJson(rotated, '--no-fit', '--width', '6', '--blocks', '1', '--out', slice)
    expect(written).toMatchObject({ width: 6, depth: 1, divergence: null, accuracy: null, judged: null, fitted: false })
    const { network, details } = await loadModelFile(slice)
    expect(details).toMatchObject({ ...tinyDetails, cutFrom: { model: rotated } })
    expect(rotatedFrom({ network, details })).toBeUndefined()
    disposeNetwork(network)

    const chosen = await cutJson(rotated, '--no-fit', '--budget', 'macs=15k', '--out', slice)
    expect(chosen.chosen.judged).toBeNull()
    expect(chosen.chosen.finalists[0].divergence).toBeNull()
    const table = await cutJson(rotated, '--list')
    expect(table.sizes[0]).toMatchObject({ divergence: null, accuracy: null })
    const { code, stderr } = await cut(rotated, '--width', '6', '--out', slice)
    expect(code).toBe(1)
    expect(stderr).toContain(`${rotated} needs images to be cut by: name a folder of some hundred with --images`)
  })
})

describe('learngene cut --list', () => {
  it('tables the sizes with cost, energy, divergence and accuracy; more width is nearer to the model', async () => {
    const table = await cutJson('embedded', '--list', '--widths', '24,48,96', '--depths', '12,9', '--calibration', '32', '--limit', '64')
    expect(table.sizes.map(({ width, depth }: { width: number; depth: number }) => `${width} ${depth}`)).toEqual([
      ...['24 12', '48 12', '96 12'],
      ...['24 9', '48 9', '96 9'],
    ])
    const divergences = table.sizes.map(({ divergence }: { divergence: number }) => divergence)
    expect(divergences[0]).toBeGreaterThan(divergences[1])
    expect(divergences[1]).toBeGreaterThan(divergences[2])
    expect(divergences[2]).toBeLessThan(1e-6)
    expect(table.sizes[2]).toMatchObject({ macs: table.ancestor.macs, keptEnergy: 1, accuracy: table.ancestor.accuracy })
    expect(table.drops).toHaveLength(11)
    expect(table.next).toMatch(/^npx learngene cut embedded --width \d+ --blocks \d+ --out small\.safetensors$/)
  })

  it('shows a command that writes over nothing', async () => {
    const before = process.cwd()
    process.chdir(root)
    try {
      await writeLively('small.safetensors')
      const { next } = await cutJson('small.safetensors', '--images', labelled, '--list')
      expect(next).toMatch(/^npx learngene cut small\.safetensors .* --out small-2\.safetensors$/)
    } finally {
      process.chdir(before)
    }
  })

  it('prints it for people, after the fit where that is asked for', async () => {
    const { code, stdout } = await cut(model, '--images', labelled, '--list', '--fit')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^width +blocks +MACs +parameters +energy +KL +accuracy\n/)
    expect(stdout).toMatch(/^ +6 +2 +[\d.]+ k +[\d.]+ k +[\d.]+ % +\d\.\d{4} +[\d.]+ %$/m)
    expect(stdout).toMatch(/\nFitted cuts; KL to the model and accuracy on 60 images of /)
    expect(stdout).toMatch(
      /\nBlocks go in this order \(KL after each, full width\): \d \(\d\.\d{3}\), \d \(\d\.\d{3}\)\n\nnext: npx learngene cut /,
    )
  })
})

describe('learngene cut, asked for wrongly', () => {
  it.each([
    [[], "missing required argument 'model'"],
    [['m'], 'cut needs a size and --out <file>, or --list, or --rotated <file>'],
    [['m', '--width', '24'], 'cut needs --out <file>'],
    [['m', '--out', 'x'], 'cut needs a size: --width, --blocks, --heads or --budget'],
    [['m', '--width', '24', '--budget', 'macs=1M', '--out', 'x'], "option '--budget <caps>' cannot be used with option '--width <number>'"],
    [['m', '--budget', 'latency=1ms', '--out', 'x'], 'Models are measured in macs, parameters, memory; got latency.'],
    [['m', '--list', '--width', '24'], '--list writes no smaller model'],
    [['m', '--list', '--out', 'x'], '--list writes no smaller model'],
    [['m', '--widths', '24', '--out', 'x'], '--widths and --depths are rows of --list'],
    [['m', '--width', '24', '--fit', '--out', 'x'], '--fit belongs to --list'],
    [['m', '--width', '24', '--label-weight', '0.5', '--out', 'x'], '--label-weight belongs to --epochs'],
    [['m', '--width', '24', '--epochs', '1', '--label-weight', '2', '--out', 'x'], 'It must be a number from 0 to 1.'],
    [['m', '--width', '24', '--out', './m'], 'the model, --out and --rotated must be different files; got m, ./m'],
    [['m', '--width', '1', '--out', 'x'], 'It must be an integer of at least 2.'],
  ])('%j is one line and exit code 2', async (argv, message) => {
    const { code, stdout, stderr } = await run(['cut', ...argv])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(oneLine)
    expect(stderr).toContain(message)
  })

  it.each([
    [
      'a width that the heads do not divide',
      ['--width', '7'],
      'a width must divide by the heads; got 7 and 2 heads: the nearest widths are 6 and 8',
    ],
    ['a width beyond the model', ['--width', '14'], "a width must be from 2 to the ancestor's 12; got 14"],
    ['more blocks than it has', ['--blocks', '4'], "--blocks must be from 1 to the ancestor's 3; got 4"],
    ['more heads than it has', ['--heads', '3'], "--heads must be from 1 to the ancestor's 2; got 3"],
    ['more heads within a budget', ['--budget', 'macs=1M', '--heads', '3'], "--heads must be from 1 to the ancestor's 2; got 3"],
    ['no images', ['--width', '6'], 'needs images to be cut by'],
    ['a folder that is not there', ['--width', '6', '--images', '/nowhere'], '/nowhere: cannot be read as a folder (ENOENT)'],
  ])('refuses %s', async (_, argv, message) => {
    const before = memory().numTensors
    const { code, stdout, stderr } = await cut(model, ...argv, '--out', at('refused.safetensors'))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^learngene: /)
    expect(memory().numTensors).toBe(before)
    expect(existsSync(at('refused.safetensors'))).toBe(false)
  })

  it('refuses models that it cannot cut, that do not say how images are normalised, or that are none', async () => {
    const stitched = at('stitched.safetensors')
    const stitch = { kind: 'stitch', config: { inputWidth: 8, outputWidth: 8 } }
    const kinds = [{ kind: 'transformer', config: { width: 8, heads: 2, mlpRatio: 4, epsilon: 1e-6 } }, stitch]
    const network = createViT(
      { imageSize: 8, patchSize: 4, channels: 3, width: 8, depth: 2, heads: 2, classes: 2, block: (i) => kinds[i]! },
      createRng(1),
    )
    await saveModelFile(stitched, network, { details: tinyDetails })
    disposeNetwork(network)
    const custom = at('custom.safetensors')
    await writeFile(
      custom,
      (await readFile(stitched)).toString('latin1').replaceAll('"stitch\\"', '"swirly\\"').replaceAll('\\"stitch\\"', '\\"swirly\\"'),
      'latin1',
    )
    const silent = await writeLively(at('silent.safetensors'), {}, {})
    const depthwise = await writeLively(at('two-channels.safetensors'), { channels: 2 }, { normalisation: { mean: [0, 0], std: [1, 1] } })
    const text = at('text')
    await writeFile(text, 'no model')
    for (const [file, message] of [
      [stitched, "only models of transformer blocks can be cut; block 1 is a 'stitch'"],
      [custom, 'swirly'],
      [silent, 'must say how its images are normalised'],
      [depthwise, 'must take images of 1 or 3 channels'],
      [text, text],
      [at('nothing'), at('nothing')],
    ] as const) {
      const before = memory().numTensors
      const { code, stderr } = await cut(file, '--images', flat, '--width', '4', '--out', at('refused.safetensors'))
      expect(code).toBe(1)
      expect(stderr).toContain(message)
      expect(stderr.trim().split('\n').at(-1)).toMatch(/^learngene: /)
      expect(memory().numTensors).toBe(before)
    }
  })

  it.each([
    ['--out', 'model that was cut', ['--width', '6']],
    ['--rotated', 'rotated model', []],
  ])('does not write over a file of somebody else by %s without --force', async (option, name, size) => {
    const file = at(`foreign${option}.safetensors`)
    await writeModel(file, {}, fashionDetails)
    const before = await readFile(file)
    const { code, stderr } = await cut(model, '--images', flat, ...size, option, file)
    expect([code, stderr]).toEqual([1, `learngene: ${file} exists and is no ${name}; name another file, or replace it with --force\n`])
    expect(await readFile(file)).toEqual(before)
    expect((await cut(model, '--images', flat, ...size, option, file, '--force')).code).toBe(0)
    expect((await cut(model, '--images', flat, ...size, option, file)).code).toBe(0)
  })

  it('ends where it is interrupted and leaves nothing', async () => {
    const out = at('interrupted.safetensors')
    const before = memory().numTensors
    for (const milliseconds of [0, 400]) {
      const signal = AbortSignal.timeout(milliseconds)
      const { code, stdout, stderr } = await run(['cut', 'embedded', '--blocks', '3', '--backend', 'wasm', '--out', out], { signal })
      expect([code, stdout]).toEqual([130, ''])
      expect(stderr).toMatch(/learngene: interrupted; nothing of this run is left on disk[^\n]*\n$/)
      expect(existsSync(out)).toBe(false)
      expect(memory().numTensors).toBe(before)
    }
  })
})
