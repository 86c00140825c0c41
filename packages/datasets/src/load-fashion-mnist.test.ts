import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idxBytes } from './idx.fixture.js'
import { loadFashionMnist } from './load-fashion-mnist.js'

const images = (count: number, value: number) => idxBytes([count, 28, 28], new Uint8Array(count * 784).fill(value))

describe('loadFashionMnist', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fashion-mnist-'))
    await writeFile(join(dir, 'train-images-idx3-ubyte.gz'), gzipSync(images(3, 7)))
    await writeFile(join(dir, 'train-labels-idx1-ubyte'), idxBytes([3], [9, 0, 4]))
    await writeFile(join(dir, 't10k-images-idx3-ubyte'), images(2, 8))
    await writeFile(join(dir, 't10k-labels-idx1-ubyte.gz'), gzipSync(idxBytes([2], [1, 2])))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('reads gzipped and plain files', async () => {
    const { train, test } = await loadFashionMnist(dir)
    expect(train).toMatchObject({ name: 'Fashion-MNIST train', length: 3 })
    expect(test).toMatchObject({ name: 'Fashion-MNIST test', length: 2 })
    expect(Array.from(train.labels, (label) => train.classes[label])).toEqual(['Ankle boot', 'T-shirt/top', 'Coat'])
    expect(train.picture(2)).toEqual({ data: new Uint8Array(784).fill(7), height: 28, width: 28, channels: 1 })
    expect(test.picture(1)).toMatchObject({ data: new Uint8Array(784).fill(8) })
  })

  it('names the missing file and where to get it', async () => {
    await rm(join(dir, 't10k-labels-idx1-ubyte.gz'))
    const failure = await loadFashionMnist(dir).catch((error: Error) => error.message)
    expect(failure).toContain(`t10k-labels-idx1-ubyte.gz (or t10k-labels-idx1-ubyte) is missing in ${dir};`)
    expect(failure).toMatch(/dataset-fashion-mnist.*github\.com\/zalandoresearch\/fashion-mnist$/)
    await expect(loadFashionMnist(join(dir, 'nowhere'))).rejects.toThrow(
      `train-images-idx3-ubyte.gz (or train-images-idx3-ubyte) is missing in ${join(dir, 'nowhere')}`,
    )
    await expect(loadFashionMnist(join(dir, 't10k-images-idx3-ubyte'))).rejects.toThrow('is missing in')
  })

  it('names a file that is damaged or cannot be read', async () => {
    const path = join(dir, 'train-labels-idx1-ubyte')
    await writeFile(path, idxBytes([4], [1, 2, 3]))
    await expect(loadFashionMnist(dir)).rejects.toThrow(`${path}: shape 4 needs 4 values, got 3`)
    await rm(path)
    await mkdir(path)
    await expect(loadFashionMnist(dir)).rejects.toThrow(`cannot read ${path} (EISDIR`)
  })

  it('refuses images and labels that do not belong together', async () => {
    await writeFile(join(dir, 'train-labels-idx1-ubyte'), idxBytes([2], [1, 2]))
    await expect(loadFashionMnist(dir)).rejects.toThrow('Fashion-MNIST train: 3 images need 3 labels, got 2')
  })
})
