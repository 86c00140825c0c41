import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { mergeAlong, mergeConfig } from './merge-config.js'

class Source {
  constructor(readonly name: string) {}
}

describe('mergeConfig', () => {
  it('merges plain objects at any depth, and takes all else whole', () => {
    const [first, second] = [() => 1, () => 2]
    const base = { a: { b: { c: 1, d: 2 }, list: [1, 2, 3] }, loss: first, source: new Source('x'), at: new Date(0) }
    const source = new Source('y')
    const merged = mergeConfig(base, { a: { b: { c: 9 } } }, { a: { list: [4] }, loss: second }, undefined, { source })
    expect(merged).toEqual({ a: { b: { c: 9, d: 2 }, list: [4] }, loss: second, source, at: base.at })
    expect(merged.source).toBe(source)
    expect(base.a).toEqual({ b: { c: 1, d: 2 }, list: [1, 2, 3] })
  })

  it('passes over undefined, and takes null, 0, false and empty text', () => {
    const base: { a: unknown; b: unknown; c: unknown; d: unknown; e: unknown } = { a: 1, b: 2, c: 3, d: 4, e: 5 }
    expect(mergeConfig(base, { a: undefined, b: null, c: 0, d: false, e: '' })).toEqual({ a: 1, b: null, c: 0, d: false, e: '' })
  })

  it('puts nothing into the prototype', () => {
    const merged: object = mergeConfig({ a: 1 }, JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"x": 1}}'))
    expect(Object.hasOwn(merged, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('mergeAlong a schema', () => {
  const schema = z.object({
    training: z.object({ epochs: z.number(), rate: z.number() }).optional(),
    budget: z.record(z.string(), z.number()),
    space: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('aligned'), stride: z.number(), pairs: z.string().optional() }),
      z.object({ kind: z.literal('twoWay'), pairs: z.string() }),
    ]),
    data: z.union([z.object({ folder: z.string() }), z.object({ images: z.number(), labels: z.number().optional() })]),
  })
  const base = { training: { epochs: 1, rate: 2 }, budget: { macs: 1 }, space: { kind: 'aligned', stride: 3 }, data: { folder: 'x' } }
  const merged = (override: object) => mergeAlong(schema, base, override)

  it.each<[string, object, object]>([
    ['merges named keys', { training: { rate: 5 } }, { training: { epochs: 1, rate: 5 } }],
    ['takes a record whole', { budget: { parameters: 2 } }, { budget: { parameters: 2 } }],
    ['takes another option of a union whole', { space: { kind: 'twoWay', pairs: 'all' } }, { space: { kind: 'twoWay', pairs: 'all' } }],
    ['merges the same option', { space: { kind: 'aligned', pairs: 'all' } }, { space: { kind: 'aligned', stride: 3, pairs: 'all' } }],
    ['and one that is not named', { space: { stride: 1 } }, { space: { kind: 'aligned', stride: 1 } }],
    ['tells options without a kind by their keys', { data: { images: 7 } }, { data: { images: 7 } }],
    ['lets unknown keys through, to be refused', { training: { epoch: { a: 1 } } }, { training: { epochs: 1, rate: 2, epoch: { a: 1 } } }],
    ['and wrong values', { training: 7 }, { training: 7 }],
  ])('%s', (_, override, changed) => {
    expect(merged(override)).toEqual({ ...base, ...changed })
  })
})
