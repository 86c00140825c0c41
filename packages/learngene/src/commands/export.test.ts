import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { decodeImage } from '@learngene/datasets/node'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { loadModelFile, loadViT } from '@learngene/vit-blocks/node'
import { memory, ones, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { classify } from '../predict/classify.js'
import { modelInput } from '../predict/model-input.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory, writeRun } from '../run.fixture.js'
import { tinyDetails, writeImages, writeLively } from './cut.fixture.js'

env.allowRemoteModels = false
env.useFSCache = false
ort.env.wasm.numThreads = 1

const path = 's[0-0]>l[1-1]'
let root: string
let dir: string
let model: string
beforeAll(async () => {
  root = await temporaryDirectory()
  dir = join(root, 'run')
  const report = sampleReport()
  const [first] = report.descendants
  const row = (id: number, name: string, macs: number, validationAccuracy: number, testAccuracy: number) => ({
    ...first!,
    ...{ id, path: name, macs, validationAccuracy, testAccuracy },
  })
  await writeRun(dir, {
    ...report,
    descendants: [row(0, 's[0-1]', 1000, 0.7, 0.99), row(1, path, 2000, 0.8, 0.6), row(2, 'l[0-1]', 3000, 0.9, 0.5)],
  })
  model = await writeLively(join(root, 'model.safetensors'))
})
afterAll(() => rm(root, { recursive: true }))

const filesIn = async (folder: string) => (await readdir(folder, { recursive: true })).sort()

/** Logits for one picture of ones. */
const ours = (network: Network, shape: [number, number, number, number]) =>
  tidy(() => [...forward(network, ones(shape) as Tensor4D).logits.dataSync()])

async function onnxLogits(file: string, shape: readonly number[]): Promise<number[]> {
  const session = await ort.InferenceSession.create(await readFile(file))
  const { logits } = await session.run({
    pixel_values: new ort.Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b)).fill(1), [...shape]),
  })
  await session.release()
  return [...(logits!.data as Float32Array)]
}

const expectNear = (a: readonly number[], b: readonly number[], tolerance = 1e-4) => {
  expect(a.length).toBe(b.length)
  for (const [i, value] of a.entries()) expect(Math.abs(value - b[i]!)).toBeLessThan(tolerance)
}

describe('learngene export', () => {
  it("writes a run's stitched descendant as ONNX with a card of all that the run says of it", async () => {
    const out = join(root, 'new', 'onnx')
    const before = memory().numTensors
    const { code, stdout, stderr } = await run(['export', dir, '--format', 'onnx', '--path', path, '--out', out, '--json'])
    expect([code, stderr.match(/error/)]).toEqual([0, null])
    expect(memory().numTensors).toBe(before)
    const written = JSON.parse(stdout)
    expect(written).toMatchObject({ format: 'onnx', weights: 'float32', path, out, chosen: null, next: 'npm install onnxruntime-web' })
    expect(await filesIn(out)).toEqual(['README.md', 'model.onnx'])
    expect(written.files.map(({ name }: { name: string }) => name)).toEqual(['README.md', 'model.onnx'])
    await run(['extract', dir, '--path', path, '--out', join(root, 'extracted.safetensors')])
    const { network } = await loadModelFile(join(root, 'extracted.safetensors'))
    expectNear(await onnxLogits(join(out, 'model.onnx'), [1, 1, 28, 28]), ours(network, [1, 28, 28, 1]))
    disposeNetwork(network)
    const card = await readFile(join(out, 'README.md'), 'utf8')
    for (const text of [
      `# ${path}`,
      '1 x transformer of width 8, 1 x stitch 8 to 16, 1 x transformer of width 16',
      '| 2,000 of test | 60.0 % | with float32 weights, before the export |',
      '| 1,000 of validation | 80.0 % |',
      'Made by `learngene quickstart`',
      `--format onnx --weights float32`,
      'ort.InferenceSession.create',
      '## Licence',
    ]) {
      expect(card).toContain(text)
    }
  })

  it('chooses within a budget, names the folder after the path in the run, and ends with what is next', async () => {
    const { code, stdout } = await run(['export', dir, '--format', 'safetensors', '--budget', 'macs=2500', '--weights', 'int8'])
    expect(code).toBe(0)
    const out = join(dir, 's_0-0+l_1-1-safetensors-int8')
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `chosen within macs=2.5k on 1000 validation images: ${path}`,
      `s[0-1] lost: its score is 0.7, that of ${path} is 0.8`,
      'reported on 2000 test images: 60.0 % right, with float32 weights',
    ])
    expect(stdout).toMatch(/\nnext: npx learngene (evaluate|classify) \S+model\.safetensors/)
    expect(await filesIn(out)).toEqual(['README.md', 'model.safetensors'])
    expect((await loadModelFile(join(out, 'model.safetensors'))).details).toMatchObject({ path, exportedAs: 'int8' })
    expect(
      (await run(['export', dir, '--format', 'safetensors', '--budget', 'macs=2500', '--weights', 'int8', '--quiet'])).stdout,
    ).not.toContain('next')
    await rm(out, { recursive: true })
  })

  it('writes a model for transformers.js, which gives the classes of our classify', async () => {
    const out = join(root, 'web')
    const { code, stdout } = await run(['export', model, '--format', 'transformers.js', '--out', out, '--quiet'])
    expect([code, stdout]).toEqual([0, expect.stringContaining(`\nhow to run it: ${join(out, 'README.md')}\n`)])
    expect(await filesIn(out)).toEqual(
      [
        'README.md',
        'config.json',
        'onnx',
        join('onnx', 'model.onnx'),
        join('onnx', 'model_quantized.onnx'),
        'preprocessor_config.json',
      ].sort(),
    )
    // A name that does not begin with a dot or a slash transformers.js asks the hub for.
    expect(await readFile(join(out, 'README.md'), 'utf8')).toContain("pipeline('image-classification', './FOLDER'")
    const pictures = await writeImages(join(root, 'pictures'), ['a'], 4, { height: 8, width: 8 })
    const files = [0, 1, 2, 3].map((i) => join(pictures, 'a', `${i}.png`))
    const classifier = await pipeline('image-classification', out, { local_files_only: true })
    const answers = (await classifier(files, { top_k: 2 })) as unknown as { label: string; score: number }[][]
    await classifier.dispose()
    const { network, details } = await loadModelFile(model)
    const expected = await classify(
      { network, details },
      files.map((file) => decodeImage(file)),
      { top: 2 },
    )
    for (const [i, own] of expected.entries()) {
      expect(answers[i]!.map(({ label }) => label)).toEqual(own.map((each) => each.class))
      expectNear(
        answers[i]!.map(({ score }) => score),
        own.map(({ probability }) => probability),
      )
    }
    disposeNetwork(network)
  })

  it.each(['timm', 'huggingface'])('writes a plain model for %s, which our own commands read', async (format) => {
    const out = join(root, `plain-${format}`)
    const { code, stdout } = await run(['export', model, '--format', format, '--weights', 'float16', '--out', out])
    expect(code).toBe(0)
    expect(stdout.endsWith(`\nnext: npx learngene classify ${out} PICTURE.jpg\n`)).toBe(true)
    const [own, theirs] = [await loadModelFile(model), await loadViT(out)]
    expectNear(ours(theirs.network, [1, 8, 8, 3]), ours(own.network, [1, 8, 8, 3]), 0.05)
    expect(theirs.details.classNames).toEqual(tinyDetails.classNames)
    const picture = { data: Uint8Array.from({ length: 30 * 21 * 3 }, (_, i) => (i * 37) % 256), height: 30, width: 21, channels: 3 }
    expect(modelInput(theirs, out).prepare(picture)).toEqual(modelInput(own, model).prepare(picture))
    for (const { network } of [own, theirs]) disposeNetwork(network)
  })

  it.each(['onnx', 'safetensors'])('writes one file where --out names one of %s, and replaces its own', async (format) => {
    const out = join(root, 'alone', `small.${format}`)
    for (const weights of ['float32', 'int8']) {
      expect((await run(['export', model, '--format', format, '--weights', weights, '--out', out, '--quiet'])).code).toBe(0)
    }
    expect(await filesIn(join(root, 'alone'))).toEqual([`small.${format}`])
    await rm(join(root, 'alone'), { recursive: true })
  })

  it('refuses a stitched descendant for timm, says why and what would do, and leaves nothing', async () => {
    const out = join(root, 'stitched')
    const { code, stderr } = await run(['export', dir, '--format', 'timm', '--path', path, '--out', out, '--quiet'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^learngene: toTimm: a plain ViT has transformer blocks of one size throughout; [^\n]+ or take a path of one tier\n$/,
    )
    expect(await readdir(root)).not.toContain('stitched')
  })

  describe("does not write over what is somebody else's without --force", () => {
    it('a folder with other files, which stay even then', async () => {
      const out = join(root, 'mine')
      await mkdir(out)
      await writeFile(join(out, 'photo.jpg'), 'x')
      const first = await run(['export', model, '--format', 'onnx', '--out', out, '--quiet'])
      expect(first.stderr).toBe(
        `learngene: ${out} exists and is no folder of learngene export alone; name another folder, or write into it with --force\n`,
      )
      expect(await filesIn(out)).toEqual(['photo.jpg'])
      expect((await run(['export', model, '--format', 'onnx', '--out', out, '--quiet', '--force'])).code).toBe(0)
      expect(await filesIn(out)).toEqual(['README.md', 'model.onnx', 'photo.jpg'])
    })

    it('a folder of this command it replaces whole', async () => {
      const out = join(root, 'own')
      for (const format of ['transformers.js', 'onnx'])
        expect((await run(['export', model, '--format', format, '--out', out, '--quiet'])).code).toBe(0)
      expect(await filesIn(out)).toEqual(['README.md', 'model.onnx'])
      await writeFile(join(out, 'README.md'), 'my own card')
      expect((await run(['export', model, '--format', 'onnx', '--out', out, '--quiet'])).code).toBe(1)
      expect(await readFile(join(out, 'README.md'), 'utf8')).toBe('my own card')
    })

    it.each(['onnx', 'safetensors'])('a file of %s', async (format) => {
      const out = join(root, `foreign.${format}`)
      await writeFile(out, 'mine')
      const { code, stderr } = await run(['export', model, '--format', format, '--out', out, '--quiet'])
      expect([code, stderr]).toEqual([
        1,
        `learngene: ${out} exists and is no exported model; name another file, or replace it with --force\n`,
      ])
      expect(await readFile(out, 'utf8')).toBe('mine')
      expect((await run(['export', model, '--format', format, '--out', out, '--quiet', '--force'])).code).toBe(0)
    })
  })

  it('takes no path of what is no run', async () => {
    for (const address of ['embedded', 'hf:owner/name']) {
      const { code, stderr } = await run(['export', address, '--format', 'onnx', '--path', 's[0-1]', '--quiet'])
      expect([code, stderr]).toEqual([
        2,
        `learngene: --path and --budget belong to the folder of a run; got ${address}: leave them out, or name a run\n`,
      ])
    }
  })

  it.each<[string[], number, string]>([
    [[], 2, 'export needs --format, one of onnx, transformers.js, timm, huggingface, safetensors; learngene export --help tells more'],
    [['--format', 'tflite'], 2, 'Allowed choices are onnx, transformers.js, timm, huggingface, safetensors.'],
    [['--format', 'onnx', '--weights', 'int4'], 2, 'Allowed choices are float32, float16, int8.'],
    [['--format', 'onnx', '--opset', '16'], 2, 'It must be an integer from 17 to 20.'],
    [['--format', 'timm', '--weights', 'int8'], 2, '--format timm has no int8 weights that others read'],
    [
      ['--format', 'transformers.js', '--weights', 'int8'],
      2,
      '--format transformers.js writes float32 and int8 side by side; leave out --weights',
    ],
    [['--format', 'timm', '--opset', '18'], 2, '--opset belongs to --format onnx and transformers.js; got timm'],
    [['--format', 'timm', '--out', 'x.onnx'], 2, '--out must be a folder, or of --format onnx a file; got x.onnx for --format timm'],
    [['--format', 'onnx', '--path', 's[0-'], 2, 'a path reads like'],
    [['--format', 'onnx', '--path', 's[0-0]'], 1, 'is a file; name the directory of a run'],
  ])('answers %j with exit code %d', async (more, expected, message) => {
    const { code, stdout, stderr } = await run(['export', model, ...more, '--quiet'])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([expected, ''])
  })
})
