import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { details, temporaryDirectory, writeModel, writeRun } from '../run.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

const evaluate = (file: string, ...more: string[]) => run(['evaluate', '--model', file, ...more])

describe('learngene evaluate', () => {
  it('measures an extracted descendant, the same each time, and frees it', async () => {
    const [dir, file] = [join(root, 'run'), join(root, 'small.safetensors')]
    await writeRun(dir)
    await run(['extract', '--run', dir, '--path', 's[0-1]>l[1-1]', '--out', file])
    const before = memory().numTensors
    const first = await evaluate(file, '--limit', '150', '--seed', '7', '--json')
    expect(first.code).toBe(0)
    const { accuracy, images } = JSON.parse(first.stdout)
    expect(images).toBe(150)
    expect(Math.abs(accuracy * 150 - Math.round(accuracy * 150))).toBeLessThan(1e-9)
    expect(memory().numTensors).toBe(before)
    expect((await evaluate(file, '--limit', '150', '--seed', '7', '--json')).stdout).toBe(first.stdout)
  })

  it('tells progress on stderr and the result on stdout', async () => {
    const file = join(root, 'ancestor.safetensors')
    await writeModel(file)
    const { code, stdout, stderr } = await evaluate(file, '--limit', '200')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d % of 200 images\n$/)
    expect(stderr).toMatch(/^\[0:0\d\] evaluate on Fashion-MNIST subset test\n\[0:0\d\] evaluate .*: done in /)
  })

  it('ends between two batches when it is interrupted', async () => {
    const file = join(root, 'ancestor.safetensors')
    await writeModel(file)
    const { code, stdout, stderr } = await run(['evaluate', '--model', file], { signal: AbortSignal.timeout(0) })
    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toMatch(/learngene: interrupted; nothing of this run is left on disk[^\n]*\n$/)
  })

  it.each([
    ['without normalisation', {}, { classNames: details.classNames! }, 'must say how its images are prepared'],
    ['with a broken normalisation', {}, { normalisation: { mean: 'x' } }, 'details.normalisation: mean and std must be lists of numbers'],
    ['for larger images', { imageSize: 32, patchSize: 8 }, details, 'takes images of 32 x 32 x 1'],
    ['for colours', { channels: 3 }, details, 'takes images of 28 x 28 x 3'],
    ['normalised in three channels', {}, { normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } }, 'normalised in 3 channels'],
    ['of other classes', { classes: 4 }, { ...details, classNames: [...'abcd'] }, 'tells 4 classes apart'],
    ['of classes with other names', {}, { ...details, classNames: [...'abcdefghij'] }, 'tells 10 classes apart (a, b, c, ...)'],
  ])('refuses a model %s', async (_, config, modelDetails, message) => {
    const file = join(root, 'wrong.safetensors')
    await writeModel(file, config, modelDetails)
    const before = memory().numTensors
    const { code, stdout, stderr } = await evaluate(file)
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
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
      expect(stderr).toContain(name)
      expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
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
})
