import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageSource } from '@learngene/datasets'
import { loadTest } from '@learngene/fashion-mnist'
import { descendantsOf, disposePool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { diskStore } from '@learngene/recipe/node'
import { formatPath, forwardCascade, loadCascade, parseCascade } from '@learngene/stitch'
import { disposeNetwork } from '@learngene/vit-blocks'
import { loadModelFile } from '@learngene/vit-blocks/node'
import { memory } from '@tensorflow/tfjs-core'
import * as ort from 'onnxruntime-web'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleProfile } from '../latency/profile.fixture.js'
import { classify } from '../predict/classify.js'
import { stagesOfRun } from '../run/run-folder.js'
import { temporaryDirectory, writeRun } from '../run.fixture.js'
import { serve } from '../serve/server.js'
import { evaluateRun, PATHS } from './cascades.fixture.js'

ort.env.wasm.numThreads = 1

let root: string
let dir: string
let old: string
beforeAll(async () => {
  root = await temporaryDirectory()
  dir = join(root, 'run')
  await writeRun(dir)
  await evaluateRun(dir)
  old = join(root, 'old')
  await writeRun(old)
})
afterAll(() => rm(root, { recursive: true }))

async function json(...argv: string[]) {
  const { code, stdout, stderr } = await run([...argv, '--json'])
  expect([code, stderr.replaceAll(/^\[.*\n/gm, '')]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('cascades of a run', () => {
  it('compete with descendants at equal expected MACs, and are what they are told to be when they run', async () => {
    const single = await json('search', dir, '--budget', 'macs=100k')
    const { chosen, pareto, next, runnerUp } = await json('search', dir, '--cascades', '--budget', 'macs=100k')
    expect(chosen.validationAccuracy).toBeGreaterThan(single.chosen.validationAccuracy)
    expect(chosen.path).toMatch(/^cascade\(.*\)$/)
    expect(next).toBe(`npx learngene extract ${dir} --path '${chosen.path}'`)
    expect(`${runnerUp.small} ${runnerUp.large}`).not.toBe(`${chosen.small} ${chosen.large}`)
    for (const [i, row] of pareto.entries()) {
      if (i === 0) continue
      expect(row.macs).toBeGreaterThanOrEqual(pareto[i - 1].macs)
      expect(row.validationAccuracy).toBeGreaterThan(pareto[i - 1].validationAccuracy)
    }
    const before = memory().numTensors
    const out = join(root, 'chosen.safetensors')
    const written = await json('extract', dir, '--path', chosen.path, '--out', out)
    expect(written).toMatchObject({
      path: chosen.path,
      macs: chosen.macs,
      parameters: chosen.parameters,
      cascade: { passedOn: chosen.passedOn },
    })
    expect(written.measured).toMatchObject({ validationAccuracy: chosen.validationAccuracy, testAccuracy: chosen.testAccuracy })
    expect(written.next).toBe(`npx learngene evaluate ${out}`)
    const found = await json('evaluate', out, '--backend', 'wasm')
    expect(found.images).toBe(2000)
    expect(found.accuracy).toBeCloseTo(chosen.testAccuracy, 3)
    expect(found.passedOn).toBeCloseTo(chosen.testPassedOn, 3)
    expect(found.macs / chosen.testMacs).toBeCloseTo(1, 3)
    expect(found.next).toMatch(/^npx learngene (serve|classify) /)
    expect(memory().numTensors).toBe(before)
  })

  it('are extracted by a budget into a file named after them, and classify and are served as other models', async () => {
    const { path, file, chosen } = await json('extract', dir, '--cascades', '--budget', 'macs=100k', '--confidence', 'margin')
    const { small, large, threshold, confidence } = parseCascade(path)
    expect(confidence).toBe('margin')
    expect(file.startsWith(join(dir, 'cascade-')) && file.endsWith(`-${threshold}-margin.safetensors`)).toBe(true)
    expect([formatPath(small), formatPath(large)].every((each) => PATHS.includes(each))).toBe(true)
    expect(chosen.budget).toEqual({ macs: 100_000 })

    const png = await sharp(
      Uint8Array.from({ length: 784 }, (_, i) => (i * 31) % 256),
      { raw: { width: 28, height: 28, channels: 1 } },
    )
      .png()
      .toBuffer()
    const picture = join(root, 'a.png')
    await writeFile(picture, png)
    const before = memory().numTensors
    const { predictions } = await json('classify', file, picture, '--backend', 'wasm')
    const { cascade, details } = await loadCascade(await readFile(file))
    const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true })
    const pixels = { data: new Uint8Array(data), height: info.height, width: info.width, channels: info.channels }
    const [wanted] = await classify({ cascade, details }, [pixels])
    expect(predictions[0].top.map((each: { class: string }) => each.class)).toEqual(wanted!.map((each) => each.class))

    const serving = await serve(file, { port: 0, backend: 'wasm' })
    const answer = await fetch(`${serving.url}/classify`, { method: 'POST', body: new Uint8Array(png) })
    expect(((await answer.json()) as { top: unknown[] }).top).toHaveLength(5)
    expect(serving.facts.models[0]!.macs).toBeCloseTo(
      (await json('extract', dir, '--path', path, '--out', join(root, 'again.safetensors'))).macs,
      6,
    )
    await serving.close()
    for (const parameter of new Set(
      [cascade.small, cascade.large].flatMap(({ embedding, blocks, head }) =>
        [embedding, ...blocks, head].flatMap(({ parameters }) => Object.values(parameters)),
      ),
    ))
      parameter.dispose()
    expect(memory().numTensors).toBe(before)
  })

  it('keep caps on parameters too', async () => {
    const all = await json('search', dir, '--cascades', '--budget', 'macs=100k')
    const most = all.chosen.parameters - 1
    const { chosen, pareto } = await json('search', dir, '--cascades', '--budget', `macs=100k,params=${most}`)
    for (const row of [chosen, ...pareto]) expect(row.parameters).toBeLessThanOrEqual(most)
  })

  it('are shown once for each two descendants, with what each part of the images had to do with the choice', async () => {
    const { stdout, code } = await run(['search', dir, '--cascades', '--budget', 'macs=100k'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /\nchosen on 1000 validation images \([\d.]+ % right\), reported on 2000 test images: [\d.]+ % right, [\d.]+ % of them by the large descendant: /,
    )
    const pairs = stdout.split('\n').flatMap((line) => /cascade\((.*), [\d.]+\) .*%$/.exec(line)?.[1] ?? [])
    expect(pairs.filter((pair, i) => pairs[i + 1] === pair)).toEqual([])
  })

  it('compete by the mean of their latency where that is capped, and say what an image takes that is passed on', async () => {
    const profile = join(root, 'phone.json')
    const pool = await loadPool(join(dir, 'pool'))
    const networks = descendantsOf(pool, [...pool.space.enumerate()])
    // The wide blocks are slow: a descendant of two takes 23.5 ms, of one 14.5 and a stitch, of none 5.5.
    const { parts, ...sample } = sampleProfile(networks)
    const slow = Object.fromEntries(
      Object.entries(parts).map(([key, timing]) => [key, /^transformer 16/.test(key) ? { ...timing, ms: 10 } : timing]),
    )
    await writeFile(profile, JSON.stringify({ ...sample, parts: slow }))
    disposePool(pool)
    const search = (...more: string[]) => json('search', dir, '--cascades', '--profile', profile, '--quiet', ...more)
    const { chosen, latency, pareto } = await search('--budget', 'latency=18ms@webgpu')
    expect(chosen.path).toMatch(/^cascade\(/)
    expect(chosen.latency).toBeLessThanOrEqual(18)
    const { small, large } = parseCascade(chosen.path)
    const time = ({ segments }: typeof small) =>
      3.5 + segments.length - 1 + segments.reduce((sum, { tier, first, last }) => sum + (last - first + 1) * (tier === 's' ? 1 : 10), 0)
    const shared = formatPath(small).startsWith('s') && formatPath(large).startsWith('s') ? 2 : 0
    const added = time(large) - shared
    expect(chosen.latency).toBeCloseTo(time(small) + chosen.passedOn * added, 3)
    expect(chosen.worstLatency).toBeCloseTo(time(small) + added, 3)
    expect(latency).toMatchObject({ composedMs: chosen.latency, fresh: null, worst: { composedMs: chosen.worstLatency, fresh: null } })
    for (const [i, row] of pareto.entries()) if (i > 0) expect(row.latency).toBeGreaterThanOrEqual(pareto[i - 1].latency)
    const { stdout } = await run(['search', dir, '--cascades', '--profile', profile, '--budget', 'latency=18ms@webgpu', '--quiet'])
    expect(stdout).toMatch(/\n {2}these are the mean of an image; one that is passed on takes composed [\d.]+ ms\n/)
    const share = chosen.validationAccuracy - 1e-9
    const fastest = await search('--objective', 'latency@webgpu', '--min-accuracy', String(share))
    expect(fastest.chosen.latency).toBeLessThanOrEqual(chosen.latency)
    const alone = await json('search', dir, '--profile', profile, '--quiet', '--budget', 'latency=18ms@webgpu')
    expect(alone.latency.worst).toBeNull()
    expect(chosen.validationAccuracy).toBeGreaterThanOrEqual(alone.chosen.validationAccuracy)
  })

  it('are exported part by part, and answer in onnxruntime-web as the cascade does', async () => {
    const { chosen } = await json('search', dir, '--cascades', '--budget', 'macs=100k')
    const file = join(root, 'to-export.safetensors')
    await json('extract', dir, '--path', chosen.path, '--out', file)
    const before = memory().numTensors
    const [ofFile, ofRun] = [join(root, 'of-file'), join(root, 'of-run')]
    const written = await json('export', file, '--format', 'onnx', '--out', ofFile, '--quiet')
    expect(written).toMatchObject({
      path: chosen.path,
      cascade: { threshold: chosen.threshold, confidence: 'probability', passedOn: chosen.passedOn },
    })
    const again = await json('export', dir, '--path', chosen.path, '--format', 'onnx', '--out', ofRun, '--quiet')
    expect(again.measured).toMatchObject({ testAccuracy: chosen.testAccuracy, validationAccuracy: chosen.validationAccuracy })
    expect(memory().numTensors).toBe(before)
    const names = ['README.md', 'small/model.onnx', 'large/model.onnx', 'cascade.json']
    for (const each of [written, again]) expect(each.files.map(({ name }: { name: string }) => name)).toEqual(names)
    // A folder of its own is written over.
    expect((await run(['export', file, '--format', 'onnx', '--out', ofFile, '--quiet'])).code).toBe(0)

    const { cascade } = await loadCascade(await readFile(file))
    const { images } = await imageSource(await loadTest(), { mean: [0.286], std: [0.353] }).batch(Array.from({ length: 64 }, (_, i) => i))
    const own = await forwardCascade(cascade, images)
    const logits = await own.logits.data()
    for (const folder of [ofFile, ofRun]) {
      const rule = JSON.parse(await readFile(join(folder, 'cascade.json'), 'utf8'))
      const sure = new Function('p', `return ${rule.confidence.of}`)
      const [small, large] = await Promise.all(
        [rule.small, rule.large].map(async (part) => ort.InferenceSession.create(await readFile(join(folder, part, 'model.onnx')))),
      )
      const pixels = await images.data<'float32'>() // grey: [64, 28, 28, 1] is [64, 1, 28, 28]
      for (let i = 0; i < 64; i++) {
        const input = new ort.Tensor('float32', pixels.slice(784 * i, 784 * (i + 1)), [1, 1, 28, 28])
        const first = (await small!.run({ pixel_values: input })).logits!.data as Float32Array
        const p = [...first].map((value) => 1 / first.reduce((sum, other) => sum + Math.exp(other - value), 0))
        const stays = sure(p) >= rule.threshold
        expect(stays).toBe(!own.passedOn.includes(i))
        const answer = stays ? first : ((await large!.run({ pixel_values: input })).logits!.data as Float32Array)
        for (const [c, value] of answer.entries()) expect(Math.abs(value - logits[10 * i + c]!)).toBeLessThan(1e-4)
      }
    }
    const card = await readFile(join(ofRun, 'README.md'), 'utf8')
    for (const text of [
      `# ${chosen.path}`,
      `where its confidence, by probability, is at least ${chosen.threshold}; else the large one`,
      `| passed on | ${(100 * chosen.passedOn).toFixed(1)} % of 1,000 validation images |`,
      `| 2,000 of test | ${(100 * chosen.testAccuracy).toFixed(1)} % |`,
      'sure(p) >= threshold ? logits',
    ])
      expect(card).toContain(text)
    expect(card).not.toContain('## Latency')
  })

  it('are exported for other libraries too, never into one file', async () => {
    const path = 'cascade(s[0-1], l[0-1], 0.5, margin)'
    for (const [format, file] of [
      ['transformers.js', join('onnx', 'model_quantized.onnx')],
      ['timm', 'model.safetensors'],
      ['safetensors', 'model.safetensors'],
    ] as const) {
      const out = join(root, `parts-${format}`)
      const { files } = await json('export', dir, '--path', path, '--format', format, '--out', out, '--quiet')
      const names = files.map(({ name }: { name: string }) => name)
      for (const part of ['small', 'large']) expect(names).toContain(`${part}/${file.replaceAll('\\', '/')}`)
      expect(JSON.parse(await readFile(join(out, 'cascade.json'), 'utf8')).confidence.name).toBe('margin')
      expect((await run(['export', dir, '--path', path, '--format', format, '--out', out, '--quiet'])).code).toBe(0)
    }
    expect(await readFile(join(root, 'parts-transformers.js', 'README.md'), 'utf8')).toContain(
      "['./small', './large'].map((part) => pipeline(",
    )
    const { network, details } = await loadModelFile(join(root, 'parts-safetensors', 'large', 'model.safetensors'))
    expect(details.path).toBe('l[0-1]')
    disposeNetwork(network)
    const { code, stderr } = await run(['export', dir, '--path', path, '--format', 'onnx', '--out', join(root, 'one.onnx'), '--quiet'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^learngene: a cascade is two models: --out must be a folder; got .*one\.onnx; /),
    ])
    const stitched = await run([
      'export',
      dir,
      '--path',
      'cascade(s[0-1], s[0-0]>l[1-1], 0.5)',
      '--format',
      'timm',
      '--out',
      join(root, 'no'),
      '--quiet',
    ])
    expect(stitched.stderr).toContain('toTimm: a plain ViT has transformer blocks of one size throughout')
  })

  it.each([
    [
      ['search', 'OLD', '--cascades', '--budget', 'macs=1M'],
      1,
      'the run has not kept it; evaluate it anew (nothing is trained) with: npx learngene quickstart --out OLD',
    ],
    [['extract', 'OLD', '--path', 'cascade(s[0-1], l[0-1], 0.5)'], 1, 'the run has not kept it'],
    [
      ['extract', 'DIR', '--path', 'cascade(s[0-1], l[0-1], 0.5, odds)'],
      1,
      "a cascade's confidence must be one that the run has kept, probability, margin, entropy; got odds",
    ],
    [['extract', 'DIR', '--path', 'cascade(s[0-1], l[0-1])'], 2, 'a cascade reads like cascade(ti9[0-8], ba9[0-8], 0.8)'],
    [['extract', 'DIR', '--path', 'cascade(s[0-1], l[0-9], 0.5)'], 1, 'has no path l[0-9]; of its 6 paths the nearest is '],
    [['extract', 'DIR', '--path', 'cascade(l[0-1], s[0-0]>l[1-1], 0.5)', '--cascades'], 2, '--cascades belongs to --budget'],
    [['search', 'DIR', '--budget', 'macs=1M', '--confidence', 'margin'], 2, '--confidence belongs to --cascades'],
    [['search', 'DIR', '--cascades', '--budget', 'macs=1M', '--confidence', 'odds'], 2, 'Allowed choices are probability, margin, entropy'],
    [
      ['search', 'DIR', '--cascades', '--budget', 'latency=9ms@wasm,batch=4'],
      2,
      'with batch=1, as any number of a larger batch may be passed on; got batch=4',
    ],
    [['extract', 'DIR', '--cascades', '--budget', 'bytes=9MB'], 2, 'cascades compete by macs, params, memory and latency'],
    [['search', 'DIR', '--cascades', '--budget', 'macs=1'], 1, 'no candidate fits the budget macs=1'],
  ])('answers %j with exit code %d and one line', async (argv, expected, message) => {
    const given = (text: string) => text.replace('OLD', old).replace('DIR', dir)
    const { code, stdout, stderr } = await run(argv.map(given))
    expect(stderr).toContain(given(message))
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([expected, ''])
  })

  it('of runs that an earlier version evaluated are not told', async () => {
    await diskStore(stagesOfRun(old)).write('evaluate', 'a'.repeat(64), {}, {})
    const { stderr } = await run(['search', old, '--cascades', '--budget', 'macs=1M'])
    expect(stderr).toContain('the run has not kept it, as an earlier version evaluated it; evaluate it anew (nothing is trained)')
  })

  it('are refused by commands that take one network, with who takes them', async () => {
    const out = join(root, 'refused.safetensors')
    await json('extract', dir, '--path', 'cascade(s[0-1], l[0-1], 0.5)', '--out', out)
    for (const argv of [
      ['verify', '--model', out, '--backend', 'wasm'],
      ['cut', out, '--list'],
    ]) {
      const { code, stderr } = await run(argv)
      expect(code).toBe(1)
      expect(stderr).toContain(
        'it describes a cascade of two networks: read it with loadCascade of @learngene/stitch, as the commands classify, evaluate and serve do',
      )
    }
  })
})
