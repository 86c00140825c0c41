import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { run } from '../io.fixture.js'
import { temporaryDirectory } from '../run.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'
const tiny = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 3, heads: 2, classes: 4 }

const time = z.number().positive()
const spread = z.strictObject({ least: time, q1: time, q3: time, most: time })
const count = z.int().nonnegative()
const text = z.string().min(1)
const benchmark = z.strictObject({
  machine: z.strictObject({
    cpu: text.nullable(),
    cores: z.int().positive(),
    memoryBytes: count.nullable(),
    os: text,
    engine: z.string().startsWith('node v'),
    date: z.iso.datetime(),
  }),
  results: z
    .array(
      z.strictObject({
        backend: z.enum(['tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm', 'cpu']),
        what: z.enum(['forward', 'train', 'distill', 'stitch']),
        model: text,
        batch: z.int().positive(),
        workers: z.int().positive(),
        msMedian: time.nullable(),
        spread: spread.nullable(),
        imagesPerSecond: time.nullable(),
        steps: count,
        baselineMsMedian: time.nullable(),
        baselineSpread: spread.nullable(),
        speedup: time.nullable(),
        pytorchMsMedian: time.nullable(),
        pytorchSpread: spread.nullable(),
        pytorchRatio: time.nullable(),
        onnxMsMedian: time.nullable(),
        onnxSpread: spread.nullable(),
        onnxRatio: time.nullable(),
        pytorchDevice: text.nullable(),
        peakMemoryBytes: count.nullable(),
        memoryOf: z.enum(['gpu', 'process', 'wasm', 'tensors']).nullable(),
        baselinePeakMemoryBytes: count.nullable(),
        pytorchPeakMemoryBytes: count.nullable(),
        dispatches: count.nullable(),
        uploads: count.nullable(),
        newBuffers: count.nullable(),
        baselineDispatches: count.nullable(),
        device: text.nullable(),
        version: text.nullable(),
        features: z.array(text),
        note: text.nullable(),
        error: text.nullable(),
      }),
    )
    .min(1),
})

describe('learngene bench, asked for wrongly', () => {
  it.each([
    [['--backends', 'abacus'], "got 'abacus'"],
    [['--backends', 'auto'], "got 'auto'"],
    [['--what', 'train,fly'], "got 'fly'"],
    [['--batch', '0'], 'integer of at least 1'],
    [['--steps', '2'], 'integer of at least 3'],
    [['--workers', '1,x'], 'list of integers'],
    [['--workers', '3', '--batch', '4'], '--batch must divide by --workers; got 4 images and 3 workers'],
    [['--ops', 'fast'], 'auto, reference'],
    [['--model', 'deit-huge'], "got 'deit-huge'"],
    [['--model', '{"imageSize":'], '--model must be JSON'],
    [['--model', '{"imageSize":28}'], 'it lacks patchSize'],
    [['--model', JSON.stringify({ ...tiny, heads: 3 })], 'got 16 and 3'],
  ])('%j is one line and exit code 2', async (argv, message) => {
    const { code, stdout, stderr } = await run(['bench', ...argv])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect(stderr).toContain(message)
  })

  it('measures nothing for a page in the place of a file of others', async () => {
    const dir = await temporaryDirectory()
    const notes = join(dir, 'notes.html')
    await writeFile(notes, 'mine')
    const { code, stderr } = await run(['bench', '--html', notes])
    expect([code, stderr]).toEqual([1, `learngene: ${notes} exists and is no page of learngene; name another file, or remove it\n`])
    expect(await readFile(notes, 'utf8')).toBe('mine')
    await rm(dir, { recursive: true })
  })

  it('fails where PyTorch is asked for and is not there', async () => {
    const { code, stderr } = await run(['bench', '--pytorch', '--python', '/nonexistent/python'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^learngene: \/nonexistent\/python cannot import torch; [^\n]+\n$/)
  })
})

describe.skipIf(reason !== '')(`learngene bench${reason}`, () => {
  let root: string
  const learngene = (...argv: string[]) =>
    promisify(execFile)(process.execPath, [bin, 'bench', '--steps', '3', '--no-pytorch', ...argv], { cwd: root, timeout: 240_000 }).catch(
      (error) => error,
    )
  beforeAll(async () => {
    root = await temporaryDirectory()
    await writeFile(join(root, 'tiny.json'), JSON.stringify(tiny))
  })
  afterAll(() => rm(root, { recursive: true }))

  it('times inference on wasm beside our ONNX model in onnxruntime-web, and nothing else beside that', async () => {
    const { stdout } = await learngene(
      ...['--model', 'tiny.json', '--batch', '1', '--backends', 'wasm,cpu', '--what', 'forward,train', '--onnx', '--json'],
    )
    const { results } = benchmark.parse(JSON.parse(stdout))
    expect(results.map(({ backend, what, onnxMsMedian }) => `${backend} ${what} ${onnxMsMedian !== null}`)).toEqual([
      ...['wasm forward true', 'wasm train false', 'cpu forward false', 'cpu train false'],
    ])
    const { msMedian, onnxMsMedian, onnxRatio, note } = results[0]!
    expect([note, onnxRatio]).toEqual([null, onnxMsMedian! / msMedian!])
  })

  it('times wasm with one worker and two, and cpu, beside stock; prints JSON and writes a page', async () => {
    const { stdout } = await learngene(
      ...['--model', 'tiny.json', '--batch', '4', '--backends', 'wasm,cpu', '--what', 'train', '--workers', '1,2'],
      ...['--baseline', '--json', '--html', 'pages/bench.html'],
    )
    const { results } = benchmark.parse(JSON.parse(stdout))
    expect(results.map(({ backend, workers }) => `${backend} ${workers}`)).toEqual(['wasm 1', 'wasm 2', 'cpu 1'])
    for (const {
      error,
      note,
      msMedian,
      baselineMsMedian,
      speedup,
      steps,
      imagesPerSecond,
      pytorchMsMedian,
      features,
      backend,
    } of results) {
      expect([error, note, pytorchMsMedian]).toEqual([null, null, null])
      expect(steps).toBe(3)
      expect(imagesPerSecond).toBeCloseTo(4000 / msMedian!, 6)
      expect(speedup).toBeCloseTo(baselineMsMedian! / msMedian!, 6)
      if (backend === 'wasm') expect(features.join()).toMatch(/(relaxed|plain) simd/)
    }
    const page = await readFile(join(root, 'pages', 'bench.html'), 'utf8')
    expect(page).toContain('wasm train, 2 workers')
    expect(page).not.toMatch(/undefined|NaN|\[object|https?:/)
  })

  it('prints a table, with the reason of a backend that does not run', async () => {
    const inline = ['--model', JSON.stringify(tiny), '--batch', '2', '--what', 'distill,stitch', '--no-relaxed-simd']
    const { stdout } = await learngene(...inline, '--backends', 'tensorflow-gpu,wasm')
    expect(stdout).toMatch(/^vit 8\/4 c1 w16 d3 h2 on /)
    expect(stdout).toMatch(/^wasm +distill +2 +1 +[\d.]+ +[\d.]+ to [\d.]+ +[\d.]+ +[\d.]+ [kM]B$/m)
    expect(stdout).toContain('wasm stitch: w8d3[0-1]>w16d3[2-2]')
  })

  it('fails, and says why, where nothing ran', async () => {
    const { code, stdout, stderr } = await learngene(
      '--model',
      'tiny.json',
      '--backends',
      'wasm',
      '--what',
      'train',
      '--timeout',
      '1',
      '--batch',
      '4096',
      '--json',
    )
    expect(code).toBe(1)
    const { results } = benchmark.parse(JSON.parse(stdout))
    expect(results[0]).toMatchObject({ msMedian: null, steps: 0, error: 'it took longer than 1 s' })
    expect(stderr).toMatch(/\nlearngene: no backend ran: wasm: it took longer than 1 s\n$/)
  })
  it('ends where a formulation refuses to start', async () => {
    const { code, signal, stdout, stderr } = await learngene(
      ...['--model', 'tiny.json', '--batch', '2', '--backends', 'cpu', '--what', 'train', '--precision', 'mixed', '--json'],
    )
    expect([code, signal]).toEqual([1, null])
    expect(benchmark.parse(JSON.parse(stdout)).results[0]!.error).toContain("precision 'mixed' needs webgpu")
    expect(stderr).toContain("learngene: no backend ran: cpu: bench: precision 'mixed' needs webgpu")
  })
})
