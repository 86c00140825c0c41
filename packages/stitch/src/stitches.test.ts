import '@tensorflow/tfjs-backend-cpu'
import { createStitch } from '@learngene/vit-blocks'
import { memory, setBackend } from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { slidingWindow } from './paths/index.js'
import { createStitches } from './stitches.js'
import { weightRng } from './testing/paths.js'

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
