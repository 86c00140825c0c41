import { createRng } from '@learngene/training'
import { buildNetwork, createHead, createViT, disposeNetwork, type HeadFactory, structureOf, withoutWeights } from '@learngene/vit-blocks'
import { describe, expect, it } from 'vitest'
import { partsOf } from './parts.js'
import { composeCascade, composeLatency, compositionError, deviceText, type LatencyProfile, parseProfile } from './profile.js'

const vit = (width: number, depth: number) =>
  withoutWeights(() => createViT({ imageSize: 28, patchSize: 7, channels: 1, classes: 10, heads: 2, width, depth }, createRng(0)))
const network = vit(8, 3)
const timing = (ms: number) => ({ ms, median: ms + 1, interval: [ms, ms + 2] as const })
const [embedding, block, , , head] = partsOf(network).map(({ key }) => key) as [string, string, string, string, string]
const profile: LatencyProfile = {
  schema: 1,
  backend: 'webgpu',
  version: '4.22.0',
  device: 'a card',
  batch: 1,
  parts: { [embedding]: timing(1), [block]: timing(10), [head]: timing(2) },
  readBack: timing(0.5),
  overheadMs: 0.25,
  checked: [
    { name: 'a', composedMs: 11, measuredMs: 10 },
    { name: 'b', composedMs: 9.8, measuredMs: 10 },
    { name: 'c', composedMs: 10, measuredMs: 10 },
    { name: 'd', composedMs: 10.4, measuredMs: 10 },
  ],
}

describe('a latency profile', () => {
  it('composes the parts of a network, each as often as it has it, one reading and the overhead', () => {
    expect(composeLatency(profile, network)).toBeCloseTo(1 + 3 * 10 + 2 + 0.5 + 0.25, 10)
    expect(composeLatency(profile, vit(8, 5))).toBeCloseTo(53.75, 10)
    expect(composeLatency({ ...profile, factor: 1.5 }, network)).toBeCloseTo(1.5 * 33.5 + 0.25, 10)
  })

  it('composes a cascade: the small network, and what the large one adds from where the two part', () => {
    const other = vit(8, 5)
    const parting = { ...other, embedding: network.embedding, blocks: [...network.blocks.slice(0, 2), ...other.blocks.slice(2)] }
    expect(composeCascade(profile, { small: network, large: other })).toEqual({ alone: 33.75, both: 33.75 + 53.75 })
    expect(composeCascade(profile, { small: network, large: parting })).toEqual({ alone: 33.75, both: 33.75 + 3 * 10 + 2 + 0.5 + 0.25 })
    expect(() => composeCascade({ ...profile, batch: 8 }, { small: network, large: other })).toThrow('must be of batch 1; got 8')
    disposeNetwork(other)
  })

  it('names parts by kind and size, not by weights', () => {
    expect(block).toMatch(/^transformer 8 to 8 \{.*"heads":2.*"width":8\}, 17 tokens$/)
    expect(embedding).toBe('embedding images 28 x 28 x 1 in patches of 7 x 7, width 8, 17 tokens')
    expect(partsOf(vit(8, 1)).map(({ key }) => key)).toEqual([embedding, block, head])
    expect(partsOf(vit(16, 1)).map(({ key }) => key)).not.toContain(block)
  })

  it('tells apart what is of one size and another kind', () => {
    const structure = structureOf(vit(8, 1))
    const keysOf = (change: object, parts = {}) =>
      partsOf(withoutWeights(() => buildNetwork({ ...structure, ...change }, parts))).map(({ key }) => key)
    const [projected, , sameHead] = keysOf({ projectedFrom: 16 })
    expect([projected, sameHead]).toEqual([`${embedding} {"projectedFrom":16}`, head])
    const own: HeadFactory = (config, place, rng) => ({ ...createHead(place.width, place.classes, rng), kind: 'own', config })
    expect(keysOf({ head: { kind: 'own', config: {} } }, { heads: { own } })[2]).not.toBe(head)
  })

  it('says what it lacks, of which device', () => {
    expect(() => composeLatency(profile, vit(16, 1))).toThrow(
      /^the latency profile of webgpu 4.22.0, a card, batch 1 must have the part 'embedding .* width 16, 17 tokens'; it does not: /,
    )
    expect(deviceText(profile)).toBe('webgpu 4.22.0, a card, batch 1')
  })

  it('tells how far it is from whole networks', () => {
    const { median, largest } = compositionError(profile.checked)!
    expect(median).toBeCloseTo(0.03, 10)
    expect(largest).toBeCloseTo(0.1, 10)
    expect(compositionError([])).toBeUndefined()
  })

  it('is read as it was written, and damaged ones are refused by name', () => {
    const text = JSON.stringify(profile)
    expect(parseProfile(text)).toEqual(profile)
    expect(parseProfile(`\uFEFF${JSON.stringify(profile, null, 2).replaceAll('\n', '\r\n')}`)).toEqual(profile)
    const timed = { ...profile, whole: [{ name: 'a', ...timing(9) }] }
    expect(parseProfile(JSON.stringify(timed))).toEqual(timed)
    expect(() => parseProfile('{', 'p.json')).toThrow(/^p.json must be JSON, as learngene profile writes it: /)
    expect(() => parseProfile('[]', 'p.json')).toThrow('p.json: schema must be 1, as learngene profile writes it; got undefined')
    const damaged = (change: object) => () => parseProfile(JSON.stringify({ ...profile, ...change }), 'p.json')
    expect(damaged({ batch: 0 })).toThrow('p.json: batch must be an integer of at least 1; got 0')
    expect(damaged({ device: 3 })).toThrow('p.json: device must be a text; got 3')
    expect(damaged({ factor: 0 })).toThrow('p.json: factor must be a number above 0; got 0')
    expect(damaged({ overheadMs: null })).toThrow('p.json: overheadMs must be a number; got null')
    expect(damaged({ parts: { a: { ms: -1 } } })).toThrow('p.json: a: ms must be a number of at least 0; got -1')
    expect(damaged({ parts: { a: { ms: 1, median: 1, interval: [1] } } })).toThrow('p.json: a: interval must be two numbers; got [1]')
    expect(damaged({ whole: [{ ms: 1 }] })).toThrow('p.json: whole must be a list of networks with names')
    expect(damaged({ whole: [{ name: 'a', ms: 1 }] })).toThrow('p.json: a: median must be a number of at least 0; got undefined')
    expect(damaged({ readBack: null })).toThrow('p.json: readBack: ms must be a number of at least 0; got undefined')
    expect(damaged({ checked: [{ name: 'a', composedMs: 1, measuredMs: 0 }] })).toThrow('p.json: checked must be a list')
  })
})

disposeNetwork(network)
