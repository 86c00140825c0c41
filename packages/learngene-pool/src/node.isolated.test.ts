import '@tensorflow/tfjs-backend-cpu'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRng } from '@learngene/training'
import { memory } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { loadPool, savePool } from './node.js'
import { buildPool, disposePool, type Pool } from './pool.js'
import { tinyAncestor } from './testing/tiny.js'

vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original()
  return { ...actual, rename: vi.fn(actual.rename) }
})

let root: string
let dir: string
let pool: Pool
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pool-'))
  dir = join(root, 'pool')
  pool = buildPool([{ name: 'w16', network: tinyAncestor(), transformations: [] }], { details: { edition: 1 } }, createRng(0))
})
afterEach(async () => {
  disposePool(pool)
  vi.mocked(rename).mockReset()
  await rm(root, { recursive: true })
})

const editionIn = async (folder: string) => {
  const loaded = await loadPool(folder)
  disposePool(loaded)
  return loaded.details.edition
}

it('replaces a stored pool', async () => {
  await savePool(dir, pool)
  await savePool(dir, { ...pool, details: { edition: 2 } })
  expect(await editionIn(dir)).toBe(2)
  expect(await readdir(root)).toEqual(['pool'])
})

it('has the earlier pool back where the new one cannot take its name', async () => {
  await savePool(dir, pool)
  const actual = vi.mocked(rename).getMockImplementation()!
  let failed = false
  vi.mocked(rename).mockImplementation(async (from, to) => {
    if (to !== dir || failed) return actual(from, to)
    failed = true
    throw new Error('EPERM: operation not permitted')
  })
  await expect(savePool(dir, { ...pool, details: { edition: 2 } })).rejects.toThrow(`${dir} cannot be replaced: EPERM`)
  expect(await editionIn(dir)).toBe(1)
  expect(await readdir(root)).toEqual(['pool'])
})

it('does not replace a file by a pool, nor read a pool from one', async () => {
  await writeFile(dir, 'mine')
  await expect(savePool(dir, pool)).rejects.toThrow(`${dir} is a file`)
  await expect(loadPool(dir)).rejects.toThrow(`${dir}: a pool's folder must hold manifest.json; it does not`)
})

it('names what is missing, and leaves nothing allocated', async () => {
  const before = memory().numTensors
  await mkdir(dir)
  await expect(loadPool(dir)).rejects.toThrow(`${dir}: a pool's folder must hold manifest.json; it does not`)
  await savePool(dir, pool)
  await rm(join(dir, 'stitches.safetensors'))
  await expect(loadPool(dir)).rejects.toThrow(`${dir}: a pool's folder must hold stitches.safetensors; it does not`)
  expect(memory().numTensors).toBe(before)
})
