import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import type { Io } from '../io.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { printConfig } from './options.js'
import { resolveConfig } from './resolve-config.js'

const schema = z.strictObject({
  images: z.string(),
  seed: z.int(),
  training: z.object({ epochs: z.number(), rate: z.number() }),
  loss: z.function().optional(),
})
const defaults = { seed: 0, training: { epochs: 1, rate: 0.1 } }
const base = { schema, defaults, name: 'test configuration' }

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
  await writeFile(
    join(root, 'learngene.config.ts'),
    "export default { images: 'a', seed: 1, training: { epochs: 2 }, loss: (x: number) => x }",
  )
  await writeFile(join(root, 'partial.json'), '{ "training": { "rate": 0.5 } }')
  await writeFile(join(root, 'misspelt.json'), '{ "training": { "rates": 0.5 } }')
})
afterAll(() => rm(root, { recursive: true }))

it('takes flags over the file over the defaults', async () => {
  const { value, file } = await resolveConfig({ ...base, cwd: root, flags: { seed: 5, images: undefined } })
  expect(value).toEqual({ images: 'a', seed: 5, training: { epochs: 2, rate: 0.1 }, loss: expect.any(Function) })
  expect((value.loss as unknown as (x: number) => number)(3)).toBe(3)
  expect(file).toBe('learngene.config.ts')
})

it('takes a named file alone, which may leave to flags what has no default', async () => {
  const { value, file } = await resolveConfig({ ...base, cwd: root, file: 'partial.json', flags: { images: 'b' } })
  expect(value).toEqual({ images: 'b', seed: 0, training: { epochs: 1, rate: 0.5 } })
  expect(file).toBe('partial.json')
})

it('looks for no file where no directory is given', async () => {
  expect(await resolveConfig({ ...base, flags: { images: 'c' } })).toEqual({ value: { images: 'c', ...defaults } })
})

it.each<[object, string]>([
  [{ file: 'misspelt.json' }, "misspelt.json: there is no option 'training.rates'; did you mean 'rate'?"],
  [{ file: 'partial.json' }, "partial.json: 'images' must be text, got nothing"],
  [{ cwd: undefined }, "test configuration: 'images' must be text, got nothing"],
])('says whose fault it is: %j', async (sources, message) => {
  await expect(resolveConfig({ ...base, cwd: root, ...sources })).rejects.toThrow(message)
})

it('is printed as JSON, functions and instances by their names', () => {
  let printed = ''
  const write = (text: string) => {
    printed += text
  }
  const io = { stdout: { write } } as unknown as Io
  function squared() {}
  const at = new Date(0)
  printConfig(io, {
    a: squared,
    b: [() => 1],
    c: new Map(),
    d: { e: 1, f: undefined, g: null },
    h: Infinity,
    at,
    url: new URL('a:b'),
    loss: () => 1,
  })
  expect(JSON.parse(printed)).toEqual({
    a: '[function squared]',
    b: ['[function]'],
    c: '[Map]',
    d: { e: 1, g: null },
    h: 'Infinity',
    at: at.toISOString(),
    url: 'a:b',
    loss: '[function loss]',
  })
})
