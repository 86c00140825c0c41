import '@tensorflow/tfjs-backend-cpu'
import { createStitch, createViT } from '@learngene/vit-blocks'
import { memory, setBackend } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { StitchedFamily } from './family.js'
import { leastSquares } from './initialisers.js'
import { residual } from './linear-algebra.js'
import { slidingWindow } from './paths/index.js'
import type { StitchInitialiser } from './stitch-problem.js'
import { createStitches, initialiseStitches } from './stitches.js'
import { uniformMatrix } from './testing/matrices.js'
import { weightRng } from './testing/paths.js'
import { gramOf, randomMap } from './testing/problems.js'

const space = slidingWindow([
  { name: 'a', width: 6, depth: 2 },
  { name: 'b', width: 9, depth: 2 },
  { name: 'c', width: 9, depth: 2 },
])

beforeAll(() => setBackend('cpu'))

it('makes one stitch for every slot, as wide as its tiers', () => {
  const stitches = createStitches(space, weightRng(1))
  expect([...stitches.keys()]).toEqual([...space.stitchIds()].map(({ id }) => id))
  expect([...stitches.values()].map(({ kind, inputWidth, outputWidth }) => [kind, inputWidth, outputWidth])).toEqual([
    ['stitch', 6, 9],
    ['stitch', 9, 9],
  ])
  const values = (seed: number) => createStitches(space, weightRng(seed)).get('b>c#0')!.parameters.weight!.dataSync()
  expect(values(1)).toEqual(stitches.get('b>c#0')!.parameters.weight!.dataSync())
  expect(values(2)).not.toEqual(values(1))
})

it('makes any registered kind, standard or the user’s own', () => {
  const lora = createStitches(space, weightRng(1), { kind: 'loraStitch', config: { rank: 3 } })
  expect(lora.get('a>b#0')!.config).toEqual({ inputWidth: 6, outputWidth: 9, rank: 3 })
  const mine = createStitches(space, weightRng(1), { kind: 'mine', config: {} }, { blocks: { mine: createStitch } })
  expect(mine.size).toBe(2)
})

it('leaves nothing allocated when one cannot be made', () => {
  const before = memory().numTensors
  expect(() => createStitches(space, weightRng(1), { kind: 'spline', config: {} })).toThrow("unknown block kind 'spline'")
  expect(() => createStitches(space, weightRng(1), { kind: 'loraStitch', config: { rank: 8 } })).toThrow('from 1 to 6')
  let made = 0
  const failing = (config: Parameters<typeof createStitch>[0], rng: Parameters<typeof createStitch>[1]) => {
    if (made++ > 0) throw new Error('out of memory')
    return createStitch(config, rng)
  }
  expect(() => createStitches(space, weightRng(1), { kind: 'f', config: {} }, { blocks: { f: failing } })).toThrow('out of memory')
  expect(memory().numTensors).toBe(before)
})

describe('initialiseStitches', () => {
  const familyOf = (): StitchedFamily => {
    const tiers = space.tiers.map(({ name, width, depth }, i) => {
      const network = createViT({ width, depth, heads: 3, patchSize: 2, imageSize: 4, channels: 1, classes: 2 }, weightRng(i))
      return {
        name,
        network,
        transformations: [{ position: 0, ancestorPosition: i, side: 'student' as const, map: randomMap(width, 4, i) }],
      }
    })
    return { tiers, space, stitches: createStitches(space, weightRng(1)) }
  }
  const valuesOf = ({ stitches }: StitchedFamily, id: string) => {
    const { weight, bias } = stitches.get(id)!.parameters
    return [...weight!.dataSync(), ...bias!.dataSync()]
  }
  const grams = (seed: number) => {
    const narrow = gramOf(uniformMatrix(40, 6, seed), uniformMatrix(40, 9, seed + 1))
    const wide = gramOf(uniformMatrix(40, 9, seed), uniformMatrix(40, 9, 5))
    return new Map([
      ['a>b#0', { joint: narrow, pairs: [narrow] }],
      ['b>c#0', { joint: wide, pairs: [wide, wide] }],
    ])
  }

  it('gives each stitch the map of its own slot, and measures it on features that were held out', () => {
    const family = familyOf()
    const [given, maps] = [grams(1), new Map<string, ReturnType<StitchInitialiser>>()]
    const seen: unknown[] = []
    const initialiser: StitchInitialiser = (problem) => {
      seen.push([problem.slot.id, problem.inputs, problem.outputs, problem.from, problem.to, problem.gram, problem.pairGrams])
      const map = leastSquares()(problem)
      maps.set(problem.slot.id, map)
      return map
    }
    const heldOut = new Map([...grams(7)].filter(([id]) => id === 'b>c#0'))
    const reports = initialiseStitches(family, initialiser, { grams: given, heldOut, rng: weightRng(3) })
    const [a, b, c] = family.tiers.map(({ transformations }) => transformations)
    expect(seen).toEqual([
      ['a>b#0', 6, 9, a, b, given.get('a>b#0')!.joint, given.get('a>b#0')!.pairs],
      ['b>c#0', 9, 9, b, c, given.get('b>c#0')!.joint, given.get('b>c#0')!.pairs],
    ])
    expect(reports).toEqual([{ id: 'a>b#0' }, { id: 'b>c#0', residual: residual(maps.get('b>c#0')!, heldOut.get('b>c#0')!.joint) }])
    expect(reports[1]!.residual).toBeGreaterThan(0)
    for (const [id, { weight, bias }] of maps) expect(valuesOf(family, id)).toEqual([...weight, ...bias])
  })

  it('needs neither features nor held-out ones where the initialiser does not', () => {
    const family = familyOf()
    const reports = initialiseStitches(family, ({ inputs, outputs, gram, pairGrams }) => {
      expect([gram, pairGrams]).toEqual([undefined, undefined])
      return randomMap(inputs, outputs, 2)
    }, { rng: weightRng(3) }) // biome-ignore format: short
    expect(reports).toEqual([{ id: 'a>b#0' }, { id: 'b>c#0' }])
  })

  it.each<[string, unknown, string]>([
    ['a function, which is an initialiser not called', leastSquares, 'call it first, for example leastSquares()'],
    ['nothing', undefined, 'got undefined; see AffineMap'],
    ['a map without bias', { inputs: 6, outputs: 9, weight: new Float32Array(54) }, 'see AffineMap'],
    ['a map without weight', { inputs: 6, outputs: 9, bias: new Float32Array(9) }, 'see AffineMap'],
  ])('refuses %s, and leaves every stitch as it was', (_, wrong, hint) => {
    const family = familyOf()
    const before = valuesOf(family, 'a>b#0')
    let calls = 0
    const initialiser = (({ inputs, outputs }) => (calls++ > 0 ? wrong : randomMap(inputs, outputs, 2))) as StitchInitialiser
    expect(() => initialiseStitches(family, initialiser, { rng: weightRng(3) })).toThrow(
      /^initialiseStitches: an initialiser must return an affine map { inputs, outputs, weight, bias }; got /,
    )
    calls = 0
    expect(() => initialiseStitches(family, initialiser, { rng: weightRng(3) })).toThrow(hint)
    expect(valuesOf(family, 'a>b#0')).toEqual(before)
  })
})
