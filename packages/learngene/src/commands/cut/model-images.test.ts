import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { disposeNetwork } from '@learngene/vit-blocks'
import { loadModelFile } from '@learngene/vit-blocks/node'
import { dispose } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../../temporary-directory.fixture.js'
import { tinyDetails, writeImages, writeLively } from '../cut.fixture.js'
import { folderImages } from './model-images.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

const composed = 'zé'.normalize('NFC')

/** The label of each image of a folder, for a model whose classes stand in another order than its folders. */
async function labelsIn(dir: string, count: number): Promise<number[] | undefined> {
  const file = await writeLively(join(root, 'accented.safetensors'), {}, { ...tinyDetails, classNames: [composed, 'cat'] })
  const { network, details } = await loadModelFile(file)
  const { source, labelled } = await folderImages(dir, { name: file, network, details }, new AbortController().signal)
  const { images, targets } = await source.batch(Array.from({ length: count }, (_, i) => i))
  const rows = (await targets.array()) as number[][]
  dispose([images, targets])
  disposeNetwork(network)
  return labelled ? rows.map((row) => row.indexOf(1)) : undefined
}

it.each(['NFC', 'NFD'])('takes folders for the classes of their names, written in %s', async (form) => {
  const dir = await writeImages(join(root, form), ['cat', composed.normalize(form)], 2)
  expect(await labelsIn(dir, 4)).toEqual([1, 1, 0, 0])
})

it('takes as many other folders in their order, and no labels from fewer or more', async () => {
  expect(await labelsIn(await writeImages(join(root, 'others'), ['ant', 'bee'], 1), 2)).toEqual([0, 1])
  expect(await labelsIn(await writeImages(join(root, 'more'), ['ant', 'bee', 'cat'], 1), 3)).toBeUndefined()
  expect(await labelsIn(await writeImages(join(root, 'beside'), ['cat', '.'], 1), 2)).toBeUndefined()
})
