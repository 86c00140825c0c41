import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useBackend } from '@learngene/backends'
import { arrayDataset } from '@learngene/datasets'
import { decodeImage } from '@learngene/datasets/node'
import { buildPool, descendantsOf, disposePool, type Pool } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { createViT, forward } from '@learngene/vit-blocks'
import { tensor4d } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FamilyManifest, readFamily } from '../family'
import { addTier, isHere, networkOf, openFamily, pathsOf } from '../worker/live-family'
import { type FamilyInput, familyFiles } from './family-files'
import { encodePng } from './png'
import { serveStudio } from './serve-studio'
import { pageFolder, writeStudio } from './write-studio'

const geometry = { imageSize: 8, patchSize: 4, channels: 1, classes: 3, heads: 2 }
const details = { normalisation: { mean: [0.5], std: [0.25] }, classNames: ['a', 'b', 'c'] }
const samples = arrayDataset({
  name: 'tiny',
  imageShape: [8, 8, 1],
  classes: ['a', 'b', 'c'],
  pixels: Uint8Array.from({ length: 6 * 64 }, (_, i) => (i * 7) % 30),
  labels: Uint8Array.of(0, 1, 2, 0, 1, 2),
})

let root: string
let pool: Pool
let report: FamilyInput['report']

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'learngene-studio-'))
  await useBackend('wasm')
  const rng = createRng(1)
  const tiers = [
    { name: 's', width: 8 },
    { name: 'l', width: 16 },
  ].map(({ name, width }) => ({ name, network: createViT({ ...geometry, width, depth: 2 }, rng.fork(name)), transformations: [] }))
  pool = buildPool(tiers, { details }, rng)
  const descendants = [...pool.space.enumerate()].map((path) => ({
    path: pool.space.key(path),
    macs: 1,
    parameters: 2,
    memory: 3,
    validationAccuracy: 0.5,
    testAccuracy: 0.4,
  }))
  report = {
    descendants,
    images: { training: 1, validation: 10, test: 20 },
    auxiliaries: [{ name: 'l', start: 'ancestor' }],
  } as unknown as FamilyInput['report']
})
afterAll(async () => {
  disposePool(pool)
  await rm(root, { recursive: true })
})

const manifestOf = (files: ReadonlyMap<string, Uint8Array>): FamilyManifest =>
  readFamily(new TextDecoder().decode(files.get('manifest.json')))

describe('the files of a family', () => {
  it.each(['float16', 'int8'] as const)('give the worker networks with the logits of the pool, tier by tier, as %s', async (weights) => {
    const files = await familyFiles({ name: 'tiny', pool, report, samples, weights })
    const manifest = manifestOf(files)
    const family = openFamily(manifest)
    const paths = pathsOf(family)
    const image = tensor4d(
      Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
      [1, 8, 8, 1],
    )
    for (const [i, { name, file, bytes }] of manifest.tiers.entries()) {
      expect(files.get(file)).toHaveLength(bytes)
      addTier(family, name, files.get(file)!)
      const here = [...paths.keys()].filter((path) => isHere(family, path))
      expect(here).toHaveLength(i === 0 ? 1 : paths.size)
    }
    for (const [key, path] of paths) {
      const [expected] = descendantsOf(pool, [[...pool.space.enumerate()].find((each) => pool.space.key(each) === key)!])
      const [a, b] = [forward(expected!, image).logits.dataSync(), forward(networkOf(family, path), image).logits.dataSync()]
      a.forEach((value, c) => void expect(Math.abs(value - b[c]!)).toBeLessThan(weights === 'int8' ? 0.02 : 1e-3))
    }
    disposePool(family.stitched)
    image.dispose()
  })

  it('name each file after its contents, and hold samples of every class as pictures', async () => {
    const [once, twice] = [
      await familyFiles({ name: 'tiny', pool, report, samples }),
      await familyFiles({ name: 'tiny', pool, report, samples }),
    ]
    expect([...once.keys()]).toEqual([...twice.keys()])
    const manifest = manifestOf(once)
    expect(manifest.samples.map(({ label }) => label)).toEqual([0, 1, 2, 0, 1, 2])
    expect([manifest.dark, manifest.tiers.map(({ ancestor }) => ancestor)]).toEqual([true, [false, true]])
    const file = join(root, 'sample.png')
    await writeFile(file, once.get(manifest.samples[0]!.file)!)
    const { data } = await decodeImage(file)
    expect([...data.slice(0, 3)]).toEqual([0, 0, 0])
    expect(data[3]).toBe(7)
  })

  it('refuse a report of another pool, and a worker damaged ones', async () => {
    const other = { ...report, descendants: [{ ...report.descendants[0]!, path: 'x[0-1]' }] }
    await expect(familyFiles({ name: 'tiny', pool, report: other })).rejects.toThrow(
      'the report must be that of the pool; the pool has no path x[0-1]',
    )
    const files = await familyFiles({ name: 'tiny', pool, report })
    const manifest = manifestOf(files)
    const family = openFamily(manifest)
    expect(() => addTier(family, 's', files.get(manifest.tiers[1]!.file)!)).toThrow('does not fit the family')
    expect(() => readFamily('{')).toThrow('manifest.json is not JSON')
    expect(() => readFamily('{"format":"learngene-studio","schema":2}')).toThrow('schema 1; it has "learngene-studio" and 2')
    expect(() => readFamily('{"format":"learngene-studio","schema":1}')).toThrow('must list tiers')
  })
})

it('PNGs are read as they were, in grey and in colour', async () => {
  for (const channels of [1, 3]) {
    const data = Uint8Array.from({ length: 5 * 4 * channels }, (_, i) => (i * 37) % 256)
    const file = join(root, `${channels}.png`)
    await writeFile(file, encodePng({ data, height: 5, width: 4, channels }))
    const read = await decodeImage(file)
    const first = Array.from({ length: 20 }, (_, i) => read.data[i * read.channels])
    expect(first).toEqual(Array.from({ length: 20 }, (_, i) => data[i * channels]))
  }
  expect(() => encodePng({ data: new Uint8Array(4), height: 1, width: 1, channels: 4 })).toThrow('1 or 3 channels; got 4')
})

describe('a page as a folder', () => {
  it('holds the run’s family in place of the built-in one, and is replaced whole', async () => {
    const dir = join(root, 'page')
    const files = await familyFiles({ name: 'tiny', pool, report, samples })
    await writeStudio(dir, files)
    expect((await readdir(join(dir, 'family'))).sort()).toEqual([...files.keys()].sort())
    const listed: string[] = JSON.parse(await readFile(join(dir, 'files.json'), 'utf8'))
    expect(listed).toEqual(expect.arrayContaining(['index.html', 'family/manifest.json']))
    expect(listed).not.toContain('sw.js')
    await writeStudio(dir)
    expect((await readdir(join(dir, 'family'))).sort()).toEqual((await readdir(join(pageFolder, 'family'))).sort())
  })

  it('takes the place of nothing else', async () => {
    const dir = join(root, 'mine')
    await mkdir(dir)
    await writeFile(join(dir, 'thesis.txt'), '')
    await expect(writeStudio(dir)).rejects.toThrow('it holds thesis.txt: name another folder')
    await expect(writeStudio(join(dir, 'thesis.txt'))).rejects.toThrow('is a file')
    expect(await readdir(dir)).toEqual(['thesis.txt'])
  })

  it('is served on 127.0.0.1 with its policy, and nothing outside of it', async () => {
    await expect(serveStudio(root)).rejects.toThrow('holds no page')
    const { url, close } = await serveStudio(pageFolder)
    try {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
      const page = await fetch(url)
      expect(await page.text()).toContain('learngene studio')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(page.headers.get('cache-control')).toBe('no-cache')
      const { tiers } = (await (await fetch(`${url}family/manifest.json`)).json()) as FamilyManifest
      const file = await fetch(`${url}family/${tiers[0]!.file}`)
      expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
      for (const path of ['nothing.js', '..%2fpackage.json', '%2e%2e/%2e%2e/package.json'])
        expect((await fetch(url + path)).status).not.toBe(200)
      const port = Number(new URL(url).port)
      await expect(serveStudio(pageFolder, { port })).rejects.toThrow(`port ${port} must be free`)
    } finally {
      await close()
    }
    await expect(fetch(url)).rejects.toThrow()
  })
})
