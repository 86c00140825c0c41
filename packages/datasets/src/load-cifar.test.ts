import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cifarFile } from './cifar.fixture.js'
import { loadCifar } from './load-cifar.js'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cifar-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function write(folder: string, files: { readonly [name: string]: string | Uint8Array }) {
  await mkdir(join(dir, folder), { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, folder, name), content)
}

const batches = Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, cifarFile([[i % 2]])]))
const ten = { ...batches, 'test_batch.bin': cifarFile([[1], [0]]), 'batches.meta.txt': 'airplane\nautomobile\n\n' }
const hundred = {
  'train.bin': cifarFile([
    [0, 1],
    [0, 2],
  ]),
  'test.bin': cifarFile([[0, 0]]),
  'fine_label_names.txt': 'apple\r\naquarium_fish\r\nbaby\r\n',
  'coarse_label_names.txt': 'things\n',
}

it('reads CIFAR-10 from its folder, or from the folder around it', async () => {
  await write('cifar-10-batches-bin', ten)
  for (const at of [dir, join(dir, 'cifar-10-batches-bin')]) {
    const { train, test } = await loadCifar(at)
    expect(train).toMatchObject({ length: 5, classes: ['airplane', 'automobile'], labels: Uint8Array.of(1, 0, 1, 0, 1) })
    expect(test).toMatchObject({ length: 2, labels: Uint8Array.of(1, 0) })
    expect(test.name).toBe(`CIFAR-10 test (${join(dir, 'cifar-10-batches-bin')})`)
  }
  await expect(loadCifar(dir, { labels: 'coarse' })).rejects.toThrow("CIFAR-10 has the labels 'fine' only, got labels 'coarse'")
})

it('reads CIFAR-100 with the one or the other labels', async () => {
  await write('.', hundred)
  expect((await loadCifar(dir)).train).toMatchObject({ classes: ['apple', 'aquarium_fish', 'baby'], labels: Uint8Array.of(1, 2) })
  expect((await loadCifar(dir, { labels: 'coarse' })).test).toMatchObject({ classes: ['things'], labels: Uint8Array.of(0) })
})

it('names what is missing, damaged or cannot be read', async () => {
  await expect(loadCifar(dir)).rejects.toThrow(`${dir}: neither test_batch.bin of CIFAR-10 nor test.bin of CIFAR-100 is there; get the`)
  await write('.', ten)
  await rm(join(dir, 'data_batch_3.bin'))
  await expect(loadCifar(dir)).rejects.toThrow(`${join(dir, 'data_batch_3.bin')}: is missing; get the "binary version"`)
  await write('.', { 'data_batch_3.bin': cifarFile([[0]]).subarray(0, 100) })
  await expect(loadCifar(dir)).rejects.toThrow('records of 3073 bytes, got 100 bytes in file 2')
  await mkdir(join(dir, 'other'))
  await mkdir(join(dir, 'other', 'test.bin'))
  await expect(loadCifar(join(dir, 'other'))).rejects.toThrow(`${join(dir, 'other', 'test.bin')}: cannot be read (EISDIR`)
})
