import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memory } from '@tensorflow/tfjs-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { details, temporaryDirectory, writeModel, writeRun } from '../run.fixture.js'
import { startBackend } from '../start-backend.js'
import { tinyDetails, writeImages, writeLively } from './cut.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

const evaluate = (file: string, ...more: string[]) => run(['evaluate', file, ...more])
const at = (name: string) => join(root, name)
/** A result, and that it left no tensor behind. */
async function evaluateJson(...argv: [string, ...string[]]) {
  await startBackend('wasm')
  const before = memory().numTensors
  const { code, stdout, stderr } = await evaluate(...argv, '--backend', 'wasm', '--json')
  expect(code, stderr).toBe(0)
  expect(memory().numTensors).toBe(before)
  return { ...JSON.parse(stdout), stderr }
}

describe('learngene evaluate --images', () => {
  const names = ['ant', 'Bär', 'cat', 'dog', 'eel', 'fox', 'gnu']
  let model: string
  let photos: string
  beforeAll(async () => {
    model = await writeLively(at('seven.safetensors'), { classes: 7 }, { ...tinyDetails, classNames: names })
    photos = await writeImages(at('photos'), ['gnu', 'fox', 'eel', 'dog', 'cat', 'Bär', 'ant'], 6)
  })

  it('tells the same of each picture as classify, by the names of the folders', async () => {
    const result = await evaluateJson(model, '--images', photos)
    const { predictions } = JSON.parse((await run(['classify', model, photos, '--top', '7', '--backend', 'wasm', '--json'])).stdout)
    const confusion = names.map(() => names.map(() => 0))
    let among5 = 0
    for (const { file, top } of predictions) {
      const label = names.indexOf(file.split('/').at(-2))
      const order = top.map((each: { class: string }) => names.indexOf(each.class))
      confusion[label]![order[0]]!++
      if (order.indexOf(label) < 5) among5++
    }
    const correct = names.map((_, i) => confusion[i]![i]!)
    const right = correct.reduce((total, count) => total + count, 0)
    expect(right).toBeGreaterThan(0)
    expect(right).toBeLessThan(42)
    expect(result).toMatchObject({
      model,
      dataset: photos,
      images: 42,
      accuracy: right / 42,
      top1: right / 42,
      top5: among5 / 42,
      confusion,
    })
    expect(result.perClass).toEqual(names.map((name, i) => ({ class: name, images: 6, correct: correct[i], accuracy: correct[i]! / 6 })))
    expect(result.missing).toEqual([])
    expect(result.unreadable).toEqual([])
    // As the formula has it, of the probabilities that classify gives.
    const bins = Array.from({ length: 15 }, () => ({ images: 0, right: 0, confidence: 0 }))
    for (const { file, top } of predictions) {
      const bin = bins[Math.ceil(15 * top[0].probability) - 1]!
      bin.images++
      bin.right += top[0].class === file.split('/').at(-2) ? 1 : 0
      bin.confidence += top[0].probability
    }
    const error = bins.reduce(
      (total, { images, right, confidence }) => total + (images > 0 ? ((images / 42) * Math.abs(right - confidence)) / images : 0),
      0,
    )
    expect(result.calibrationError).toBeCloseTo(error, 5)
    expect((await evaluateJson(model, '--images', photos, '--batch-size', '5')).confusion).toEqual(confusion)
  })

  it('prints shares, classes and confusions in words, and the pictures to look at next', async () => {
    const { code, stdout } = await evaluate(model, '--images', photos, '--backend', 'wasm')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^\d+\.\d % of 42 images of .* are right; \d+\.\d % have their class among the 5 likeliest\ncalibration error \d+\.\d %: /,
    )
    expect(stdout).toMatch(/\nclass +images +right\n/)
    const shares = [...stdout.matchAll(/^\S+ +6 +(\d+\.\d) %$/gm)].map(([, share]) => Number(share))
    expect(shares).toHaveLength(7)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    const [, shown, taken] = /\nmost often confused: \d of 6 '(.+?)' are taken for '(.+?)'; /.exec(stdout)!
    expect(names).toContain(taken)
    const next = `npx learngene classify ${model} ${photos}/${shown}`
    expect(stdout.replaceAll("'", '')).toContain(`\nnext: ${next} --top 2\n`)
  })

  it('takes pictures of all sizes and kinds at any depth, and folders whose names are spelt in another Unicode form', async () => {
    const dir = at('kinds')
    await writeImages(dir, ['ant/deeper'], 2, { height: 40, width: 9 })
    await writeImages(dir, ['ant'], 1, { height: 8, width: 8 })
    await writeImages(dir, ['Bär'.normalize('NFD')], 2)
    await sharp(Buffer.alloc(20 * 30 * 4, 77), { raw: { height: 20, width: 30, channels: 4 } })
      .webp()
      .toFile(join(dir, 'ant', 'rgba.webp'))
    await sharp(Buffer.alloc(20 * 30, 99), { raw: { height: 20, width: 30, channels: 1 } })
      .toColourspace('b-w')
      .jpeg()
      .toFile(join(dir, 'ant', 'grey.jpg'))
    const { images, perClass, missing, stderr } = await evaluateJson(model, '--images', dir)
    expect(images).toBe(7)
    expect(perClass.map(({ images }: { images: number }) => images)).toEqual([5, 2, 0, 0, 0, 0, 0])
    expect(perClass[2]).toEqual({ class: 'cat', images: 0, correct: 0, accuracy: null })
    expect(missing).toEqual(['cat', 'dog', 'eel', 'fox', 'gnu'])
    expect(stderr).toContain(`${dir}: there are no pictures of cat, dog, eel, fox, gnu\n`)
  })

  it('tells pictures beside the folders, and draws as many as --limit says by the seed', async () => {
    const dir = await writeImages(at('beside'), ['ant', 'dog', '.'], 5)
    const { images, stderr } = await evaluateJson(model, '--images', dir)
    expect(images).toBe(10)
    expect(stderr).toContain(`${dir}: 5 pictures beside the subfolders are left out`)
    const [first, again, other] = [
      await evaluateJson(model, '--images', photos, '--limit', '9', '--seed', '1'),
      await evaluateJson(model, '--images', photos, '--limit', '9', '--seed', '1'),
      await evaluateJson(model, '--images', photos, '--limit', '9', '--seed', '2'),
    ]
    expect(first.images).toBe(9)
    expect(again.confusion).toEqual(first.confusion)
    expect(other.perClass.map(({ images }: { images: number }) => images)).not.toEqual(
      first.perClass.map(({ images }: { images: number }) => images),
    )
  })

  it('names all pictures that cannot be read, or leaves them out where it may', async () => {
    const dir = await writeImages(at('broken'), ['ant', 'dog'], 3)
    for (const name of ['ant/text.jpg', 'dog/empty.png']) await writeFile(join(dir, name), name.includes('text') ? 'no picture' : '')
    const { code, stdout, stderr } = await evaluate(model, '--images', dir, '--backend', 'wasm')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`learngene: 2 of 8 pictures of ${dir} cannot be read: ${join(dir, 'ant/text.jpg')}: cannot be decoded`)
    expect(stderr).toContain(`${join(dir, 'dog/empty.png')}: `)
    expect(stderr).toMatch(/mend or remove them, or leave such pictures out with --skip-unreadable\n$/)
    const { images, unreadable, stderr: told } = await evaluateJson(model, '--images', dir, '--skip-unreadable')
    expect(images).toBe(6)
    expect(unreadable).toEqual(['ant/text.jpg', 'dog/empty.png'].map((name) => ({ file: join(dir, name), reason: expect.stringMatching(/^cannot be decoded/) }))) // biome-ignore format: short
    expect(told).toContain(`left out 2 of 8 pictures of ${dir}, which cannot be read: `)
    await rm(join(dir, 'dog'), { recursive: true })
    for (const i of [0, 1, 2]) await rm(join(dir, 'ant', `${i}.png`))
    const none = await evaluate(model, '--images', dir, '--skip-unreadable', '--backend', 'wasm')
    expect(none.code).toBe(1)
    expect(none.stderr).toContain(`some pictures of ${dir} must be readable; none is: `)
  })

  it('takes the folders in order for a model that names no classes, and says so', async () => {
    const nameless = await writeLively(at('nameless.safetensors'), { classes: 2 }, { normalisation: tinyDetails.normalisation! })
    const dir = await writeImages(at('ordered'), ['n10', 'n9'], 4)
    const { perClass, stderr } = await evaluateJson(nameless, '--images', dir)
    expect(perClass.map((each: { class: string }) => each.class)).toEqual(['n9', 'n10'])
    expect(stderr).toContain(`${nameless} names no classes: they are taken to be the subfolders of ${dir} in natural order`)
    const { code, stderr: refused } = await evaluate(nameless, '--images', photos, '--backend', 'wasm')
    expect(code).toBe(1)
    expect(refused).toContain(
      `${photos}: as ${nameless} names no classes, there must be a subfolder for each of its 2, in their order; there are 7 (`,
    )
  })

  it('refuses folders that are no classes, that are not there, hold no picture or no folder, and names that are shared', async () => {
    const zoo = await writeImages(at('zoo'), ['ant', 'zebra', 'yak'], 1)
    const flat = await writeImages(at('flat'), ['.'], 2)
    await mkdir(at('empty'))
    const shared = await writeLively(at('shared.safetensors'), { classes: 2 }, { ...tinyDetails, classNames: ['crane', 'crane'] })
    const cranes = await writeImages(at('cranes'), ['crane'], 1)
    for (const [file, dir, message] of [
      [
        model,
        zoo,
        `${zoo}: every subfolder must have the name of a class of ${model}; yak, zebra are none of its 7 (ant, Bär, cat, dog, eel, …): rename or remove them`,
      ],
      [model, flat, `${flat}: labelled pictures must be in one subfolder per class; they all lie in the folder itself`],
      [model, at('empty'), `${at('empty')}: there must be at least 1 image`],
      [model, at('nowhere'), `${at('nowhere')}: cannot be read as a folder (ENOENT)`],
      [shared, cranes, `${cranes}: a subfolder's name must tell its class; ${shared} has several classes named crane`],
    ] as const) {
      const before = memory().numTensors
      const { code, stdout, stderr } = await evaluate(file, '--images', dir, '--backend', 'wasm')
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(`learngene: ${message}`)
      expect(memory().numTensors).toBe(before)
    }
  })

  it('shows the weakest of many classes', async () => {
    const many = Array.from({ length: 30 }, (_, i) => `c${i}`)
    const wide = await writeLively(at('thirty.safetensors'), { classes: 30 }, { ...tinyDetails, classNames: many })
    const { stdout } = await evaluate(wide, '--images', await writeImages(at('thirty'), many, 1), '--backend', 'wasm')
    expect(stdout).toContain('\nthe 25 weakest of 30 classes (--json tells all):\nclass ')
    expect(stdout.match(/^c\d+ +1 +/gm)).toHaveLength(25)
  })

  it.each([
    [['m', '--images', 'x', '--data-dir', 'y'], "option '--data-dir <dir>' cannot be used with option '--images <dir>'"],
    [['m', '--skip-unreadable'], '--skip-unreadable belongs to --images'],
    [['m', '--batch-size', '0'], 'It must be an integer of at least 1.'],
    [[], "missing required argument 'model'"],
  ])('%j is one line and exit code 2', async (argv, message) => {
    const { code, stdout, stderr } = await run(['evaluate', ...argv])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })
})

describe('learngene evaluate on Fashion-MNIST', () => {
  it('measures an extracted descendant, the same each time, and frees it', async () => {
    const [dir, file] = [join(root, 'run'), join(root, 'small.safetensors')]
    await writeRun(dir)
    await run(['extract', '--run', dir, '--path', 's[0-1]>l[1-1]', '--out', file])
    const before = memory().numTensors
    const first = await evaluate(file, '--limit', '150', '--seed', '7', '--json')
    expect(first.code).toBe(0)
    const { accuracy, images, top1, top5, perClass, missing, unreadable, dataset } = JSON.parse(first.stdout)
    expect(images).toBe(150)
    expect(top1).toBe(accuracy)
    expect(top5).toBeGreaterThan(accuracy)
    expect(perClass.map((each: { class: string }) => each.class)).toEqual(details.classNames)
    expect({ missing, unreadable, dataset }).toEqual({ missing: [], unreadable: [], dataset: 'Fashion-MNIST subset test' })
    expect(Math.abs(accuracy * 150 - Math.round(accuracy * 150))).toBeLessThan(1e-9)
    expect(memory().numTensors).toBe(before)
    expect((await evaluate(file, '--limit', '150', '--seed', '7', '--json')).stdout).toBe(first.stdout)
  })

  it('tells progress on stderr and the result on stdout', async () => {
    const file = join(root, 'ancestor.safetensors')
    await writeModel(file)
    const { code, stdout, stderr } = await evaluate(file, '--limit', '200')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d % of 200 images of Fashion-MNIST subset test are right; /)
    expect(stdout).toContain(`\nnext: npx learngene verify --model ${file}\n`)
    expect(stderr).toMatch(/\[0:0\d\] evaluate on Fashion-MNIST subset test\n\[0:0\d\] evaluate .*: done in /)
  })

  it('ends between two batches when it is interrupted', async () => {
    const file = join(root, 'ancestor.safetensors')
    await writeModel(file)
    const { code, stdout, stderr } = await run(['evaluate', file], { signal: AbortSignal.timeout(0) })
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toMatch(/learngene: interrupted; nothing of this run is left on disk[^\n]*\n$/)
  })

  it.each([
    ['without normalisation', {}, { classNames: details.classNames! }, 'must say how its images are normalised'],
    ['with a broken normalisation', {}, { normalisation: { mean: 'x' } }, 'details.normalisation: mean and std must be lists of numbers'],
    ['normalised in three channels', {}, { normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } }, 'it takes 1, with 3 and 3'],
    ['of features alone', { classes: 0 }, { normalisation: details.normalisation! }, 'must have a classifier; it gives features alone'],
    [
      'of other classes',
      { classes: 4 },
      { ...details, classNames: [...'abcd'] },
      'tells 4 classes apart (a, b, c, …); Fashion-MNIST subset test has 10',
    ],
    ['of classes with other names', {}, { ...details, classNames: [...'abcdefghij'] }, 'tells 10 classes apart (a, b, c, …)'],
  ])('refuses a model %s', async (_, config, modelDetails, message) => {
    const file = join(root, 'wrong.safetensors')
    await writeModel(file, config, modelDetails)
    const before = memory().numTensors
    const { code, stdout, stderr } = await evaluate(file)
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^learngene: /)
    expect([code, stdout]).toEqual([1, ''])
    expect(memory().numTensors).toBe(before)
  })

  it('refuses a file that is cut off, is no model or is not there', async () => {
    const file = join(root, 'cut.safetensors')
    await writeModel(file)
    await writeFile(file, (await readFile(file)).subarray(0, -1))
    const text = join(root, 'text')
    await writeFile(text, 'no model at all')
    for (const name of [file, text, join(root, 'missing'), root]) {
      const { code, stdout, stderr } = await evaluate(name)
      expect(stderr.trim().split('\n').at(-1)).toMatch(/^learngene: /)
      expect(stderr.trim().split('\n').at(-1)).toContain(name)
      expect([code, stdout]).toEqual([1, ''])
    }
  })

  it('names the missing file of a data directory', async () => {
    const file = join(root, 'ancestor.safetensors')
    await writeModel(file)
    const { code, stderr } = await evaluate(file, '--data-dir', root)
    expect(stderr).toMatch(/train-images-idx3-ubyte\.gz .* is missing in /)
    expect(code).toBe(1)
  })

  it('takes models of other sizes and of colours, and says which names it assumes', async () => {
    const { preprocessing: _, ...rest } = details as { preprocessing?: unknown; normalisation?: unknown }
    const coloured = at('coloured.safetensors')
    await writeModel(coloured, { channels: 3, imageSize: 32, patchSize: 8 }, {
      ...rest,
      normalisation: { mean: [0.3, 0.3, 0.3], std: [0.3, 0.3, 0.3] },
    } as never)
    expect((await evaluateJson(coloured, '--limit', '20')).images).toBe(20)
    const nameless = at('ten.safetensors')
    await writeModel(nameless, {}, { normalisation: details.normalisation! })
    const { stderr } = await evaluateJson(nameless, '--limit', '20')
    expect(stderr).toContain(`${nameless} names no classes: they are taken to be those of Fashion-MNIST subset test`)
  })

  it('takes the folder of a finished run', async () => {
    const dir = at('finished')
    await writeRun(dir)
    await run(['extract', '--run', dir, '--path', 's[0-1]', '--out', join(dir, 'descendant.safetensors')])
    expect(await evaluateJson(dir, '--limit', '20')).toMatchObject({ images: 20, model: join(dir, 'descendant.safetensors') })
  })
})
