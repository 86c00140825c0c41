import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import { descendantOf, parsePath } from '@learngene/stitch'
import { disposeNetwork, forward } from '@learngene/vit-blocks'
import { loadModelFile } from '@learngene/vit-blocks/node'
import { memory, ones, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory, writeModel, writeRun } from '../run.fixture.js'

const path = 's[0-0]>l[1-1]'
let root: string
let dir: string
beforeAll(async () => {
  root = await temporaryDirectory()
  dir = join(root, 'run')
  await writeRun(dir)
})
afterAll(() => rm(root, { recursive: true }))

/** A report of the pool that `writeRun` makes: the widest single tier is best, and no other keeps a small budget as the narrow one does. */
function reportOfPool(): RunReport {
  const report = sampleReport()
  const [first] = report.descendants
  const row = (id: number, path: string, macs: number, validationAccuracy: number, testAccuracy: number) => ({
    ...first!,
    id,
    path,
    macs,
    validationAccuracy,
    testAccuracy,
  })
  // Better on test images than on validation images, which must not matter.
  return { ...report, descendants: [row(0, 's[0-1]', 1000, 0.7, 0.99), row(1, path, 2000, 0.8, 0.6), row(2, 'l[0-1]', 3000, 0.9, 0.5)] }
}

const extract = (out: string, ...more: string[]) => run(['extract', '--run', dir, '--path', path, '--out', out, ...more])

describe('learngene extract', () => {
  it('writes a model that computes what the descendant computes in the pool', async () => {
    const out = join(root, 'new', 'folder', 'small.safetensors')
    const before = memory().numTensors
    const { code, stdout, stderr } = await extract(out, '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(memory().numTensors).toBe(before)
    const written = JSON.parse(stdout)
    expect(written).toMatchObject({ path, file: out, dtype: 'f32', bytes: (await readFile(out)).length })

    const pool = await loadPool(join(dir, 'pool'))
    const { network, details } = await loadModelFile(out)
    expect(details).toMatchObject({ path, normalisation: { mean: [0.286], std: [0.353] } })
    const logits = [descendantOf(pool, pool.space.find(parsePath(path))!), network].map((model) =>
      tidy(() => [...forward(model, ones([2, 28, 28, 1]) as Tensor4D).logits.dataSync()]),
    )
    expect(logits[1]).toEqual(logits[0])
    disposeNetwork(network)
    expect(await readdir(join(root, 'new', 'folder'))).toEqual(['small.safetensors'])
  })

  it('stores half floats in about half the space, and replaces its own files', async () => {
    const out = join(root, 'own.safetensors')
    await extract(out)
    const full = (await readFile(out)).length
    const { code, stdout } = await extract(out, '--dtype', 'f16')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^s\[0-0\]>l\[1-1\]: [\d.]+ k parameters, [\d.]+ k MACs; wrote /)
    expect(stdout.endsWith(`\n\nnext: npx learngene evaluate ${out}\n`)).toBe(true)
    expect((await readFile(out)).length).toBeLessThan(0.65 * full)
    expect((await extract(out, '--quiet')).stdout).not.toContain('next')
  })

  it('chooses within a budget by validation images, reports on test images, and names the file after the path in the run', async () => {
    const own = join(root, 'ein Lauf ü')
    await writeRun(own, reportOfPool())
    const { code, stdout, stderr } = await run(['extract', own, '--budget', 'macs=2500'])
    expect([code, stderr]).toEqual([0, ''])
    const file = join(own, 's_0-0+l_1-1.safetensors')
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `chosen within macs=2.5k on 1000 validation images: ${path}`,
      `s[0-1] lost: its score is 0.7, that of ${path} is 0.8`,
      'reported on 2000 test images: 60.0 % right',
    ])
    expect(stdout.endsWith(`\n\nnext: npx learngene evaluate '${file}'\n`)).toBe(true)
    expect((await loadModelFile(file)).details.path).toBe(path)
    const half = JSON.parse((await run(['extract', own, '--budget', 'macs=2500', '--dtype', 'f16', '--json'])).stdout)
    expect(half).toMatchObject({
      path,
      file: join(own, 's_0-0+l_1-1-f16.safetensors'),
      chosen: { budget: { macs: 2500 }, runnerUp: 's[0-1]', images: 1000 },
      measured: { validationAccuracy: 0.8, testAccuracy: 0.6 },
    })
    const none = await run(['extract', own, '--budget', 'macs=10'])
    expect([none.code, none.stdout]).toEqual([1, ''])
    expect(none.stderr).toMatch(/^learngene: no candidate fits the budget macs=10: the smallest by macs is s\[0-1\] [^\n]+\n$/)
  })

  it.each([
    [{ command: 'quickstart', config: {} }, 'evaluate x.safetensors'],
    [{ command: 'run', config: { images: { training: 'embedded' } } }, 'evaluate x.safetensors'],
    [{ command: 'quickstart', config: { images: { training: 'fashion-mnist:my data' } } }, "evaluate x.safetensors --data-dir 'my data'"],
    [
      { command: 'run', config: { images: { training: 'a', test: '/my photos/test' } } },
      "evaluate x.safetensors --images '/my photos/test'",
    ],
    [{ command: 'run', config: { images: { training: 'a' } } }, 'classify x.safetensors PICTURE.jpg'],
  ] as const)('of a run of %j names next what can be done without more: %s', async (described, next) => {
    const own = join(root, 'described')
    await writeRun(own, { ...reportOfPool(), ...described })
    const file = join(root, 'x.safetensors')
    const { stdout } = await run(['extract', own, '--path', path, '--out', file, '--json'])
    expect(JSON.parse(stdout).next.replace(file, 'x.safetensors')).toBe(`npx learngene ${next}`)
  })

  it.each([
    ['a text', (file: string) => writeFile(file, 'mine')],
    ['an empty file', (file: string) => writeFile(file, '')],
    ['another model', (file: string) => writeModel(file)],
  ])('does not write over %s of somebody else without --force', async (name, write) => {
    const out = join(root, `foreign ${name}`)
    await write(out)
    const before = await readFile(out)
    const { code, stderr } = await extract(out)
    expect(stderr).toBe(`learngene: ${out} exists and is no extracted descendant; name another file, or replace it with --force\n`)
    expect(code).toBe(1)
    expect(await readFile(out)).toEqual(before)
    expect((await extract(out, '--force')).code).toBe(0)
    expect((await loadModelFile(out)).details.path).toBe(path)
  })

  it('does not write over a directory', async () => {
    expect((await extract(root)).stderr).toContain('is a directory; name another file\n')
    expect((await extract(root, '--force')).code).toBe(1)
  })

  it('says in one line that a part of the path is a file', async () => {
    const file = join(root, 'a-file')
    await writeFile(file, 'mine')
    const { code, stderr } = await extract(join(file, 'model.safetensors'))
    expect([code, stderr]).toEqual([1, `learngene: ${file}: the folder cannot be made: it is a file; name another\n`])
  })

  it.each([
    ['s[0-0]>l[0', 2, 'a path reads like ti9[0-5]>ba9[6-8]: at position 10'],
    ['s[0-1]>l[2-1]', 2, 'a path reads like'],
    ['s[0-0]', 1, 'has no path s[0-0]; of its 6 paths the nearest is s[0-1]'],
    ['s[0-0]>l[3-4]', 1, 'the nearest is s[0-'],
    ['ti9[0-5]', 1, 'the nearest is '],
  ])('answers the path %s with exit code %d', async (text, expected, message) => {
    const out = join(root, 'none.safetensors')
    const { code, stdout, stderr } = await run(['extract', '--run', dir, '--path', text, '--out', out])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([expected, ''])
    expect(await readdir(root)).not.toContain('none.safetensors')
  })

  it('names the damaged file of a pool', async () => {
    const damaged = join(root, 'damaged')
    await writeRun(damaged)
    const file = join(damaged, 'pool', 'stitches.safetensors')
    const bytes = await readFile(file)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(file, bytes)
    const before = memory().numTensors
    const { code, stderr } = await run(['extract', '--run', damaged, '--path', path, '--out', join(root, 'x')])
    expect(stderr).toContain('stitches.safetensors must have the SHA-256 that manifest.json states')
    expect(code).toBe(1)
    expect(memory().numTensors).toBe(before)
  })
})
