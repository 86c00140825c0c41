import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkConfig, checkOptions } from '../config/check-config.js'
import { mergeAlong } from '../config/merge-config.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { type RunConfig, runConfig } from './config.js'
import { defineConfig } from './define-config.js'
import { loadOwn, registryOfRun, withoutFunctions } from './own-values.js'
import { smallRun } from './small-pictures.fixture.js'

const stored: RunConfig = { ...smallRun, images: { training: 'own' } }

describe('functions of a configuration', () => {
  let root: string
  let file: string
  beforeAll(async () => {
    root = await temporaryDirectory()
    file = join(root, 'own.config.mjs')
    await writeFile(
      file,
      `export default {
        space: { kind: 'other', left: 1 },
        budgets: [1],
        fineTuning: { epochs: 99, loss: () => ({}) },
        distillation: { extraTerms: () => [] },
        registry: { kinds: { mine: { norms: 1, cut: () => 1 } }, spaces: { other: () => 2 } },
        data: () => ({ training: 3 }),
      }`,
    )
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('come from the module, and nothing else of it does', async () => {
    const own = await loadOwn(withoutFunctions({ ...stored, registry: {} }), file)
    expect(own).toMatchObject({ space: smallRun.space, budgets: [], fineTuning: { epochs: 3 } })
    expect(own.space).not.toHaveProperty('left')
    expect(own.fineTuning.loss).toBeTypeOf('function')
    expect(own.distillation.extraTerms).toBeTypeOf('function')
    expect(own.registry).toMatchObject({
      kinds: { mine: { norms: 1, cut: expect.any(Function) } },
      spaces: { other: expect.any(Function) },
    })
    expect(own.data?.()).toEqual({ training: 3 })
  })

  it('are no part of what is stored or handed to a thread', () => {
    const loss = () => ({})
    const plain = withoutFunctions({ ...stored, fineTuning: { ...smallRun.fineTuning, loss } })
    expect(plain).toEqual(stored)
    expect(() => structuredClone(plain)).not.toThrow()
  })

  it('are none of a folder that does not say what it is a run of', async () => {
    expect(await registryOfRun(root)).toBeUndefined()
  })
})

describe("a configuration with parts of one's own", () => {
  const checked = (value: object) => {
    checkOptions(runConfig, value, 'own.config.ts')
    return checkConfig(runConfig, mergeAlong(runConfig, stored, value), 'own.config.ts')
  }

  it('keeps nothing of a default space of another kind', () => {
    expect(checked({ space: { kind: 'early', share: 0.5 } }).space).toEqual({ kind: 'early', share: 0.5 })
  })

  it('is typed', () => {
    const config = defineConfig({
      ancestor: 'train',
      space: { kind: 'early', share: 0.5 },
      fineTuning: { loss: ({ logits }) => ({ all: logits }) },
      // @ts-expect-error: a registry has no such part
      registry: { space: {} },
    })
    expect(config.ancestor).toBe('train')
  })

  it.each([
    [{ stitch: { kind: 'gained' } }, "own.config.ts: 'stitch': must be { kind, config }, got an object"],
    [{ space: { stride: 2 } }, "own.config.ts: 'space': must be an object with a kind, got an object"],
    [{ fineTuning: { loss: 'cosine' } }, "own.config.ts: 'fineTuning.loss': must be a function, got 'cosine'"],
    [{ data: {} }, "own.config.ts: 'data': must be a function, got an object"],
  ])('refuses %j in one line', (value, message) => {
    expect(() => checked(value)).toThrow(message)
  })
})
