import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeImage } from '@learngene/datasets/node'
import type { JsonObject } from '@learngene/interfaces'
import { canLoseRights, withoutRights } from '@learngene/testing/without-rights'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork } from '@learngene/vit-blocks'
import { loadModelFile, saveHuggingFaceFolder } from '@learngene/vit-blocks/node'
import { memory } from '@tensorflow/tfjs-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { classify as classifyPictures } from '../predict/classify.js'
import { details as fashionDetails, temporaryDirectory, writeModel, writeRun } from '../run.fixture.js'
import { startBackend } from '../start-backend.js'
import { tiny, tinyDetails, writeImages, writeLively } from './cut.fixture.js'

const names = ['Ameise', 'Bär', '猫', 'dog', 'eel', 'fox']
const preprocessing = { size: [8, 8], crop: 'center', cropPct: 0.9, interpolation: 'bicubic', mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.2] }
const modelDetails = { preprocessing, classNames: names } as JsonObject

let root: string
let model: string
let pictures: string
beforeAll(async () => {
  root = await temporaryDirectory()
  model = await writeLively(at('tiny.safetensors'), { classes: 6 }, modelDetails)
  pictures = await writePictures(at('pictures'))
})
afterAll(() => rm(root, { recursive: true }))

const at = (name: string) => join(root, name)
const classify = (...argv: string[]) => run(['classify', ...argv, '--backend', 'wasm'])
/** A result, and that it left no tensor behind. */
async function classifyJson(...argv: string[]) {
  await startBackend('wasm')
  const before = memory().numTensors
  const { code, stdout, stderr } = await classify(...argv, '--json')
  expect(code, stderr).toBe(0)
  expect(memory().numTensors).toBe(before)
  return JSON.parse(stdout)
}

/** Pictures of all kinds and sizes. */
async function writePictures(dir: string): Promise<string> {
  await mkdir(join(dir, 'deeper'), { recursive: true })
  const raw = (height: number, width: number, channels: 1 | 2 | 3 | 4, seed: number) => {
    const rng = createRng(seed)
    const tint = [rng.integer(200), rng.integer(200), rng.integer(200), 100]
    const data = Uint8Array.from({ length: height * width * channels }, (_, i) => tint[i % channels]! + rng.integer(56))
    return sharp(data, { raw: { height, width, channels } })
  }
  await raw(30, 40, 3, 1).jpeg().toFile(join(dir, 'a.jpg'))
  await raw(8, 8, 3, 2).png().toFile(join(dir, 'exact.png'))
  await raw(200, 20, 4, 3).png().toFile(join(dir, 'rgba.png'))
  await raw(15, 17, 1, 4).toColourspace('b-w').png().toFile(join(dir, 'grey.png'))
  await raw(15, 17, 2, 5).png().toFile(join(dir, 'grey with alpha.png'))
  await raw(9, 33, 3, 6).toColourspace('rgb16').png().toFile(join(dir, 'sixteen bits.png'))
  await raw(21, 12, 3, 7).toColourspace('cmyk').jpeg().toFile(join(dir, 'cmyk.jpg'))
  await raw(11, 23, 3, 8).webp({ lossless: true }).toFile(join(dir, 'Füße 足 🦶.webp'))
  await raw(19, 13, 3, 9)
    .tiff()
    .toFile(join(dir, 'deeper', "it's.tiff"))
  await raw(1, 1, 3, 10).gif().toFile(join(dir, 'one pixel.gif'))
  return dir
}

describe('learngene classify', () => {
  it('names what any picture shows, as the library does for the decoded file', async () => {
    const { predictions, unreadable } = await classifyJson(model, pictures, '--top', '3')
    const files = (await readdir(pictures, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    expect(files).toHaveLength(10)
    expect(predictions.map(({ file }: { file: string }) => file).sort()).toEqual(
      files.map((entry) => join(entry.parentPath, entry.name)).sort(),
    )
    expect(unreadable).toEqual([])
    const loaded = await loadModelFile(model)
    for (const { file, top } of predictions) {
      const [expected] = await classifyPictures(loaded, [await decodeImage(file)], { top: 3 })
      expect(top.map((each: { class: string }) => each.class)).toEqual(expected!.map((each) => each.class))
      for (const [i, { probability }] of top.entries()) expect(probability).toBeCloseTo(expected![i]!.probability, 5)
    }
    disposeNetwork(loaded.network)
    expect(new Set(predictions.map(({ top }: { top: [{ class: string }] }) => top[0].class)).size).toBeGreaterThan(1)
  })

  it('turns pictures upright that a camera has turned', async () => {
    const dir = at('turned')
    await mkdir(dir)
    const pixels = Uint8Array.from({ length: 3 * 20 * 30 }, (_, i) => ((i * 7) % 90) + (i > 900 ? 150 : 0))
    const upright = sharp(pixels, { raw: { height: 20, width: 30, channels: 3 } })
    await upright.clone().png().toFile(join(dir, 'upright.png'))
    // Stored on its side: to be turned by 90 degrees to the right.
    const stored = await upright.clone().rotate(270).png().toBuffer()
    await sharp(stored).withMetadata({ orientation: 6 }).png().toFile(join(dir, 'turned.png')) // biome-ignore format: short
    expect((await sharp(join(dir, 'turned.png')).metadata()).orientation).toBe(6)
    await sharp(stored).png().toFile(join(dir, 'sideways.png'))
    const { predictions } = await classifyJson(model, ...['upright.png', 'turned.png', 'sideways.png'].map((name) => join(dir, name)))
    expect(predictions[1].top).toEqual(predictions[0].top)
    expect(predictions[2].top).not.toEqual(predictions[0].top)
  })

  it('prints a table and the next command, and with --quiet nothing but the table', async () => {
    const { code, stdout, stderr } = await classify(model, join(pictures, 'a.jpg'), join(pictures, 'exact.png'), '--top', '2')
    expect(code).toBe(0)
    const row = (file: string) => `${file.replaceAll('.', '\\.')} +\\S+ +\\d+\\.\\d %\\n +\\S+ +\\d+\\.\\d %\\n`
    expect(stdout).toMatch(new RegExp(`^file +class +probability\\n─[─ ]+\\n${row(join(pictures, 'a.jpg'))}${row(join(pictures, 'exact.png'))}\\nnext: npx learngene verify --model ${model}\\n$`)) // biome-ignore format: short
    expect(stderr).toMatch(/^\[0:0\d\] load .*\n.*done in .*\n\[0:0\d\] classify 2 pictures\n.*done in .*\n$/)
    const quiet = await classify(model, join(pictures, 'a.jpg'), join(pictures, 'exact.png'), '--top', '2', '--quiet')
    expect([quiet.code, quiet.stderr]).toEqual([0, ''])
    expect(quiet.stdout).toBe(stdout.replace(/\nnext: .*\n$/, ''))
  })

  it('names evaluate next where the pictures have labels', async () => {
    const labelled = await writeImages(at('labelled photos'), ['dog', 'Bär'.normalize('NFD')], 2)
    expect((await classify(model, labelled)).stdout).toContain(`\nnext: npx learngene evaluate ${model} --images '${labelled}'\n`)
    expect((await classify('embedded', join(pictures, 'a.jpg'))).stdout).toContain('\nnext: npx learngene evaluate embedded\n')
  })

  it('tells what cannot be read by name, classifies the others, and ends with exit code 1', async () => {
    const dir = at('some broken')
    await mkdir(dir)
    await writeFile(join(dir, 'text.jpg'), 'not a picture')
    await writeFile(join(dir, 'empty.png'), '')
    const whole = await sharp(join(pictures, 'a.jpg')).resize(300, 300).png().toBuffer()
    await writeFile(join(dir, 'cut off.png'), whole.subarray(0, whole.length / 2))
    await mkdir(join(dir, 'nothing'))
    const files = [join(pictures, 'a.jpg'), dir, at('missing.jpg'), join(dir, 'nothing'), join(pictures, 'exact.png')]
    const before = memory().numTensors
    const { code, stdout, stderr } = await classify(model, ...files, '--json')
    const { predictions, unreadable } = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(predictions.map(({ file }: { file: string }) => file)).toEqual([join(pictures, 'a.jpg'), join(pictures, 'exact.png')])
    expect(unreadable).toEqual([
      { file: join(dir, 'cut off.png'), reason: expect.stringMatching(/^cannot be decoded as an image \(/) },
      { file: join(dir, 'empty.png'), reason: expect.stringMatching(/^cannot be decoded as an image \(/) },
      { file: join(dir, 'text.jpg'), reason: expect.stringMatching(/^cannot be decoded as an image \(/) },
      { file: at('missing.jpg'), reason: 'there is no such file' },
      { file: join(dir, 'nothing'), reason: expect.stringMatching(/^there must be at least 1 image/) },
    ])
    const last = stderr.trim().split('\n').at(-1)!
    expect(last).toMatch(/^learngene: all pictures must be readable; 5 of 7 are not: /)
    for (const { file } of unreadable) expect(last).toContain(`${file}: `)
    expect(last).toMatch(/; the others are classified$/)
    expect(memory().numTensors).toBe(before)

    const quiet = await classify(model, join(dir, 'text.jpg'), join(pictures, 'a.jpg'), '--quiet', '--top', '1')
    expect(quiet.code).toBe(1)
    expect(quiet.stdout).toContain(join(pictures, 'a.jpg'))
    expect(quiet.stderr).toMatch(/^learngene: all pictures must be readable; 1 of 2 is not: [^\n]*text\.jpg: cannot be decoded[^\n]*\n$/)
    const none = await classify(at('no model needed'), join(dir, 'nothing'))
    expect([none.code, none.stdout]).toEqual([1, ''])
    expect(none.stderr).toMatch(
      /^learngene: all pictures must be readable; 1 of 1 is not: [^\n]*nothing: there must be at least 1 image[^\n]*\n$/,
    )
  })

  it.skipIf(!canLoseRights)(
    'classifies the others where a folder in a folder cannot be read, a file or a link that leads back up',
    async () => {
      await chmod(root, 0o755)
      const dir = await writeImages(at('partly locked'), ['dog', 'eel', 'fox'], 1)
      const [locked, closed, up] = [join(dir, 'eel'), join(dir, 'fox', '0.png'), join(dir, 'dog', 'up')]
      await Promise.all([chmod(locked, 0), chmod(closed, 0), symlink(dir, up)])
      const { code, stdout } = await withoutRights(() => classify(model, dir, '--json'))
      await chmod(locked, 0o755)
      const { predictions, unreadable } = JSON.parse(stdout)
      expect(code).toBe(1)
      expect(predictions.map(({ file }: { file: string }) => file)).toEqual([join(dir, 'dog', '0.png')])
      expect(unreadable).toHaveLength(3)
      expect(unreadable).toEqual(
        expect.arrayContaining([
          { file: closed, reason: 'cannot be read (EACCES)' },
          { file: locked, reason: 'cannot be read as a folder (EACCES)' },
          { file: up, reason: expect.stringMatching(/^a link must not lead to a folder that it lies in/) },
        ]),
      )
    },
  )

  it('takes the folder of a finished run, whose model is grey', async () => {
    const dir = at('run')
    await writeRun(dir)
    await writeFile(join(dir, 'run.json'), '{}')
    const unfinished = await classify(dir, join(pictures, 'a.jpg'))
    expect(unfinished.code).toBe(1)
    expect(unfinished.stderr).toContain(`${dir}: the run must have chosen a model, descendant.safetensors; it has not`)
    await rm(join(dir, 'run.json'))
    const chosen = at('chosen.safetensors')
    await run(['extract', dir, '--path', 's[0-0]>l[1-1]', '--out', chosen])
    const byFile = await classifyJson(chosen, pictures)
    await rename(chosen, join(dir, 'descendant.safetensors'))
    expect(await classifyJson(dir, pictures)).toEqual(byFile)
    for (const { top } of byFile.predictions) for (const each of top) expect(fashionDetails.classNames).toContain(each.class)
  })

  it('takes a folder of transformers', async () => {
    const { mean, std, size } = preprocessing
    const squashed = { preprocessing: { size, resize: { squash: size }, centerCrop: false, interpolation: 'bicubic', mean, std } }
    const network = createViT({ ...tiny, classes: 6 }, createRng(4))
    const details = { ...squashed, classNames: names } as unknown as JsonObject
    await saveHuggingFaceFolder(at('hub'), network, { details })
    const file = join(pictures, 'a.jpg')
    const [expected] = await classifyPictures({ network, details }, [await decodeImage(file)])
    disposeNetwork(network)
    const { predictions } = await classifyJson(at('hub'), file)
    for (const [i, each] of expected!.entries())
      expect(predictions[0].top[i]).toEqual({ class: each.class, probability: expect.closeTo(each.probability, 5) })
  })

  it('says once that a model names no classes, and numbers them', async () => {
    const nameless = await writeLively(at('nameless.safetensors'), { classes: 3 }, { preprocessing } as JsonObject)
    const { code, stdout, stderr } = await classify(nameless, pictures, '--json')
    expect(code).toBe(0)
    for (const { top } of JSON.parse(stdout).predictions) expect(top.map((each: { class: string }) => each.class).sort()).toEqual(['class 0', 'class 1', 'class 2']) // biome-ignore format: short
    expect(stderr.match(/names no classes: they are called 'class 0' to 'class 2'/g)).toHaveLength(1)
  })

  it('ends where it is interrupted', async () => {
    const { code, stdout, stderr } = await run(['classify', model, pictures, '--backend', 'wasm'], { signal: AbortSignal.timeout(0) })
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toMatch(/learngene: interrupted; [^\n]*\n$/)
  })
})

describe('learngene classify, asked for wrongly', () => {
  it.each([
    [[], "missing required argument 'model'"],
    [['m'], "missing required argument 'file'"],
    [['m', 'a.jpg', '--top', '0'], 'It must be an integer of at least 1.'],
    [['m', 'a.jpg', '--top', '1.5'], 'It must be an integer of at least 1.'],
    [['m', 'a.jpg', '--top', 'all'], 'It must be an integer of at least 1.'],
    [['m', 'a.jpg', '--tops', '3'], "unknown option '--tops' (Did you mean --top?)"],
  ])('%j is one line and exit code 2', async (argv, message) => {
    const { code, stdout, stderr } = await run(['classify', ...argv])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })

  it('refuses models that are none, have no classifier or do not say how images are prepared', async () => {
    const features = at('features.safetensors')
    await writeModel(features, { classes: 0 }, { normalisation: fashionDetails.normalisation! })
    const silent = at('silent.safetensors')
    await writeModel(silent, {}, {})
    const sideways = await writeLively(at('two channels.safetensors'), { channels: 2 }, { normalisation: { mean: [0, 0], std: [1, 1] } })
    for (const [file, message] of [
      [features, 'must have a classifier; it gives features alone'],
      [silent, 'must say how its images are normalised, in its details'],
      [sideways, 'must take images of 1 or 3 channels, with a mean and a std for each; it takes 2, with 2 and 2'],
      [join(pictures, 'a.jpg'), 'a.jpg'],
      [at('missing'), 'there is no such file'],
    ] as const) {
      const before = memory().numTensors
      const { code, stdout, stderr } = await classify(file, pictures)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(message)
      expect(stderr.trim().split('\n').at(-1)).toMatch(/^learngene: /)
      expect(stderr).toContain(file)
      expect(memory().numTensors).toBe(before)
    }
  })
})

it('details survive every command that writes a model: extract, cut and cut --rotated', async () => {
  const whole = { ...modelDetails, dataset: 'mine' }
  const stated = await writeLively(at('stated.safetensors'), { classes: 6 }, whole)
  const photos = await writeImages(at('for cutting'), ['dog', 'fox'], 4)
  const [small, rotated] = [at('small.safetensors'), at('rotated.safetensors')]
  expect(
    (await run(['cut', stated, '--images', photos, '--width', '6', '--backend', 'wasm', '--out', small, '--rotated', rotated])).code,
  ).toBe(0)
  for (const file of [small, rotated]) {
    const { network, details } = await loadModelFile(file)
    expect(details).toMatchObject(whole)
    disposeNetwork(network)
    expect((await classifyJson(file, pictures)).predictions[0].top.map((each: { class: string }) => each.class).sort()).toHaveLength(5)
  }
})

it('a model that only states a normalisation takes pictures of any size', async () => {
  const older = await writeLively(at('older.safetensors'), {}, tinyDetails)
  expect((await classifyJson(older, pictures)).predictions).toHaveLength(10)
})
