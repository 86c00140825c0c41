import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Dataset, RawImage } from '@learngene/interfaces'
import { beforeAll, describe, expect, it } from 'vitest'
import { classes, loadTest, loadTrain } from './images.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const picture = (dataset: Dataset, index: number) => dataset.picture(index) as RawImage
const all = (dataset: Dataset) => Buffer.concat(Array.from({ length: dataset.length }, (_, i) => picture(dataset, i).data))

const parts = [
  {
    part: 'train',
    load: loadTrain,
    perClass: 1000,
    pixels: 'e1427044c614fabc29feeff0f27e6b68f88a9ee2f2cfe7d783b9157159864883',
    labels: '2c02745d4ad8b4511333d0eca662ac5664a371860abaa4588b1670e7be59fbdf',
    // The first ten labels of the published train-labels file, and of t10k-labels below: the original order is kept.
    first: [9, 0, 0, 3, 0, 2, 7, 2, 5, 5],
  },
  {
    part: 'test',
    load: loadTest,
    perClass: 200,
    pixels: '96315b1732ab731e68b8def3c284f34b605f7deb7a61e683c7d786265c827c83',
    labels: 'b2095bc797d1201e84da76c94012c02d0e6f07af0938df4e00120a3b42d1aa4c',
    first: [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
  },
]

describe.each(parts)('the $part images', ({ load, perClass, pixels, labels, first }) => {
  let dataset: Dataset
  beforeAll(async () => {
    dataset = await load()
  })

  it('hold as many of each class', () => {
    const counts = new Array<number>(classes.length).fill(0)
    for (const label of Array.from(dataset.labels)) counts[label]!++
    expect(counts).toEqual(new Array(10).fill(perClass))
    expect(dataset.length).toBe(10 * perClass)
    expect(picture(dataset, 0)).toMatchObject({ height: 28, width: 28, channels: 1 })
    expect(dataset.classes).toHaveLength(10)
  })

  it('are the values the selection gave, in original order', () => {
    expect(sha256(all(dataset))).toBe(pixels)
    expect(sha256(Uint8Array.from(dataset.labels))).toBe(labels)
    expect(Array.from(dataset.labels).slice(0, 10)).toEqual(first)
  })

  it('are told from each other, and from the other part, by a fingerprint of what they hold', async () => {
    const print = await dataset.fingerprint()
    expect(print).toMatch(/^[0-9a-f]{64}$/)
    expect(await (await load()).fingerprint()).toBe(print)
    expect(dataset.nameOf(3)).toBe(`image 3 of ${dataset.name}`)
    const other = await (load === loadTest ? loadTrain : loadTest)()
    expect(await other.fingerprint()).not.toBe(print)
  })

  it.each([-1, 0.5, Number.NaN, 10 * perClass])('refuse index %s', (index) => {
    const message = `image indices are integers from 0 to ${10 * perClass - 1}, got ${index}`
    expect(() => dataset.picture(index)).toThrow(message)
    expect(() => dataset.nameOf(index)).toThrow(message)
  })
})

describe('the data folder', () => {
  const folder = new URL('../data/', import.meta.url)

  it('takes at most 6 MB for the images', () => {
    const images = readdirSync(folder).filter((file) => file.endsWith('.gz'))
    expect(images).toHaveLength(4)
    expect(images.reduce((sum, file) => sum + statSync(new URL(file, folder)).size, 0)).toBeLessThanOrEqual(6_000_000)
  })

  it('carries the notice of the data and is published', () => {
    expect(readFileSync(new URL('LICENSE.fashion-mnist', folder), 'utf8')).toContain('Copyright © 2017 Zalando SE')
    expect(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).files).toContain('data')
  })
})
