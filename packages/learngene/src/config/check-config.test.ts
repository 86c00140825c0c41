import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { UsageError } from '../errors.js'
import { checkConfig } from './check-config.js'

const schema = z.object({
  seed: z.int().nonnegative().default(0),
  tiers: z.array(z.object({ width: z.int().positive(), depth: z.int().optional() })).min(1),
  space: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('aligned'), stride: z.number() }),
      z.object({ kind: z.literal('pairs'), pairs: z.enum(['all', 'neighbours']) }),
    ])
    .optional(),
  data: z.union([z.object({ folder: z.string().min(1) }), z.object({ images: z.number(), labels: z.number() })]).optional(),
  budget: z.record(z.string(), z.number().positive()).optional(),
  loss: z.function().optional(),
  initialiser: z.union([z.enum(['ridge', 'learned']), z.number()]).optional(),
  extra: z.looseObject({ known: z.object({ a: z.number() }) }).optional(),
  later: z.lazy(() => z.object({ epochs: z.number() })).optional(),
  pair: z.tuple([z.number(), z.object({ b: z.number() })]).optional(),
  both: z.intersection(z.strictObject({ a: z.number() }), z.object({ b: z.number() })).optional(),
  source: z.custom((value) => value instanceof Map, 'must be a source of data').optional(),
  url: z.instanceof(URL).optional(),
  epochs: z.number().multipleOf(0.5).max(100).optional(),
})
const good = { tiers: [{ width: 12 }] }
const message = (change: object) => {
  try {
    checkConfig(schema, { ...good, ...change }, 'my.config.ts')
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    const text = (error as Error).message
    expect(text).toMatch(/^my\.config\.ts: [^\n]+$/)
    return text.slice('my.config.ts: '.length)
  }
  return undefined
}

describe('an unknown option is refused, with the nearest known one', () => {
  it.each<[object, string]>([
    [{ tiers: [{ widht: 3 }] }, "there is no option 'tiers.0.widht'; did you mean 'width'?"],
    [{ tires: [] }, "there is no option 'tires'; did you mean 'tiers'?"],
    [{ Seed: 1 }, "there is no option 'Seed'; did you mean 'seed'?"],
    [{ space: { kind: 'aligned', stride: 2, pair: 1 } }, "there is no option 'space.pair'; the options there are kind, stride"],
    [{ space: { kind: 'pairs', pairs: 'all', piars: 1 } }, "there is no option 'space.piars'; did you mean 'pairs'?"],
    [{ data: { images: 1, labels: 2, label: 3 } }, "there is no option 'data.label'; did you mean 'labels'?"],
    [{ extra: { known: { a: 1, b: 2 } } }, "there is no option 'extra.known.b'; the options there are a"],
    [{ later: { epochs: 1, epoch: 1 } }, "there is no option 'later.epoch'; did you mean 'epochs'?"],
    [{ pair: [1, { b: 1, bb: 1 }] }, "there is no option 'pair.1.bb'; did you mean 'b'?"],
    [JSON.parse('{"__proto__": {"seed": 1}}'), "there is no option '__proto__'"],
    [{ constructor: 1 }, "there is no option 'constructor'"],
  ])('%j', (change, text) => {
    const told = message(change)
    expect(told === text || told?.startsWith(`${text}; the options there are seed, tiers, `)).toBe(true)
  })

  it('lets in what a schema leaves open', () => {
    expect(message({ extra: { known: { a: 1 }, other: 2 }, budget: { macs: 1, anything: 2 }, both: { a: 1, b: 2 } })).toBeUndefined()
  })

  it('finds neighbours that were swapped before letters that differ', () => {
    const options = z.object({ abcd: z.number(), bacx: z.number() })
    expect(() => checkConfig(options, { abcd: 1, bacx: 1, bacd: 1 }, 'c')).toThrow("did you mean 'abcd'?")
  })
})

describe('a wrong value is told with its path, what was expected and what came', () => {
  it.each<[object, string]>([
    [{ seed: '1' }, "'seed' must be a number, got '1'"],
    [{ seed: 1.5 }, "'seed' must be an integer, got 1.5"],
    [{ seed: -1 }, "'seed' must be at least 0, got -1"],
    [{ seed: Number.NaN }, "'seed' must be a number, got NaN"],
    [{ seed: null }, "'seed' must be a number, got null"],
    [{ tiers: undefined }, "'tiers' must be an array, got nothing"],
    [{ tiers: [] }, "'tiers' must be an array of at least 1 elements, got an array of 0"],
    [{ tiers: [{ width: 3 }, { width: 0 }] }, "'tiers.1.width' must be more than 0, got 0"],
    [{ tiers: [7] }, "'tiers.0' must be an object, got 7"],
    [{ space: { kind: 'algined' } }, "'space.kind' must be one of 'aligned', 'pairs' (did you mean 'aligned'?), got 'algined'"],
    [{ space: { kind: 'pairs', pairs: 'none' } }, "'space.pairs' must be one of 'all', 'neighbours', got 'none'"],
    [{ data: { folder: 3 } }, "'data.folder' must be text, got 3"],
    [{ data: { folder: '' } }, "'data.folder' must be text of at least 1 characters, got ''"],
    [{ budget: { macs: 0 } }, "'budget.macs' must be more than 0, got 0"],
    [{ loss: 'mse' }, "'loss' must be a function, got 'mse'"],
    [{ initialiser: 'rigde' }, "'initialiser' must be one of 'ridge', 'learned' (did you mean 'ridge'?) or a number, got 'rigde'"],
    [{ source: [1, 2] }, "'source': must be a source of data, got an array of 2"],
    [{ url: new Map() }, "'url' must be a URL, got a Map"],
    [{ epochs: 0.3 }, "'epochs' must be a multiple of 0.5, got 0.3"],
    [{ epochs: 101 }, "'epochs' must be at most 100, got 101"],
    [{ epochs: () => 1 }, "'epochs' must be a number, got a function"],
    [{ tiers: 'x'.repeat(100) }, `'tiers' must be an array, got '${'x'.repeat(39)}…'`],
  ])('%o', (change, text) => {
    expect(message(change)).toBe(text)
  })

  it('a whole that is no object', () => {
    for (const value of [null, undefined, 3, 'x', []]) {
      expect(() => checkConfig(schema, value, 'c')).toThrow(/^c: the configuration must be an object, got /)
    }
  })

  it('three at most, and how many more', () => {
    expect(message({ a1: 1, b2: 2, c3: 3, d4: 4, e5: 5 })).toMatch(/'a1'.*'b2'.*'c3'.*; and 2 more$/)
  })
})

describe('what passes', () => {
  it('has defaults filled in', () => {
    expect(checkConfig(schema, good, 'c')).toEqual({ ...good, seed: 0 })
  })

  it('keeps functions and instances as they are', () => {
    const loss = Object.assign((a: number) => a, { weight: 2 })
    const source = new Map([[1, 2]])
    const checked = checkConfig(schema, { ...good, loss, source }, 'c')
    expect(checked.loss).toBe(loss)
    expect(checked.source).toBe(source)
    const nested = z.object({ losses: z.array(z.object({ of: z.function() })) })
    expect(checkConfig(nested, { losses: [{ of: loss }] }, 'c').losses[0]!.of).toBe(loss)
  })
})
