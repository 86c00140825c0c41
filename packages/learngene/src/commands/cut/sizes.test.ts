import type { PrincipalOrder } from '@learngene/inherit'
import { createRng } from '@learngene/training'
import { createViT, deit, type ViTConfig, withoutWeights } from '@learngene/vit-blocks'
import { expect, it } from 'vitest'
import {
  candidatesWithin,
  costOfSize,
  type ModelSize,
  predictedDivergence,
  requireFeasible,
  sizeOf,
  sizeWithin,
  usualDepths,
  usualWidths,
} from './sizes.js'

const networkOf = (config: ViTConfig) => withoutWeights(() => createViT(config, createRng(0)))
const small = networkOf({ imageSize: 8, patchSize: 4, channels: 1, width: 24, depth: 6, heads: 2, classes: 3 })

/** Energy that halves from direction to direction, and blocks whose loss doubles. */
function orderOf({ width, depth }: ModelSize): PrincipalOrder {
  const shares = Array.from({ length: width - 1 }, (_, i) => 2 ** -(i + 1))
  const drops = Array.from({ length: depth - 1 }, (_, i) => ({ block: depth - 1 - i, divergence: 0.01 * 2 ** i }))
  return { energies: Array.from({ length: 2 * depth + 1 }, () => shares), drops }
}

it('tries the sizes within a budget that no other exceeds, the least predicted divergence first', async () => {
  const ancestor = sizeOf(small)
  const order = orderOf(ancestor)
  const budget = { macs: 0.4 * costOfSize(small, order.drops, ancestor).macs, parameters: 9000 }
  const candidates = await candidatesWithin(small, order, budget, 2)
  expect(candidates.length).toBeGreaterThan(2)
  const all: ModelSize[] = []
  for (let depth = 1; depth <= 6; depth++) for (let width = 2; width <= 24; width += 2) all.push({ width, depth, heads: 2 })
  const fitting = all.filter((size) => {
    const { macs, parameters } = costOfSize(small, order.drops, size)
    return macs <= budget.macs && parameters <= budget.parameters
  })
  const largest = fitting.filter(
    ({ width, depth }) =>
      !fitting.some((other) => other.width >= width && other.depth >= depth && other.width + other.depth > width + depth),
  )
  const byDepth = (a: ModelSize, b: ModelSize) => a.depth - b.depth
  expect(candidates.map(({ size }) => size).sort(byDepth)).toEqual(largest.sort(byDepth))
  const predictions = candidates.map(({ predicted }) => predicted)
  expect(predictions).toEqual([...predictions].sort((a, b) => a - b))
  for (const { size, predicted } of candidates) expect(predicted).toBe(predictedDivergence(order, ancestor, size))
})

it('predicts nothing lost at full size, and more the less is kept', () => {
  const ancestor = sizeOf(small)
  const order = orderOf(ancestor)
  const predict = (size: Partial<ModelSize>) => predictedDivergence(order, ancestor, { ...ancestor, ...size })
  expect(predict({})).toBe(0)
  expect(predict({ depth: 5 })).toBeCloseTo(0.005)
  expect(predict({ depth: 4 })).toBeCloseTo(0.01)
  expect(predict({ width: 2 })).toBeCloseTo(2.5 * 0.25)
  expect(predict({ width: 2, depth: 5 })).toBeCloseTo(2.5 * 0.25 + 0.005)
})

it('tells before any work what cannot be kept, unless that depends on the order of the blocks', async () => {
  await expect(requireFeasible(small, { macs: 10 }, 2)).rejects.toThrow('the smallest by macs is w2d1 with')
  await requireFeasible(small, { macs: 1e4 }, 2)
  const config = { imageSize: 8, patchSize: 4, channels: 1, width: 24, depth: 2, heads: 2, classes: 3 }
  const block = (i: number) => ({ kind: 'transformer', config: { width: 24, heads: 2, mlpRatio: i + 1 } })
  await requireFeasible(networkOf({ ...config, block }), { macs: 10 }, 2)
})

it('costs what DeiT of that size costs', () => {
  const base = networkOf(deit.base)
  for (const [size, same] of [
    [{ width: 192, depth: 12, heads: 3 }, deit.tiny],
    [{ width: 384, depth: 12, heads: 6 }, deit.small],
  ] as const) {
    const other = networkOf(same)
    expect(costOfSize(base, [], size)).toEqual(costOfSize(other, [], sizeOf(other)))
  }
})

it('proposes widths that the heads divide and three depths', () => {
  expect(usualWidths({ width: 768, depth: 12, heads: 12 })).toEqual([96, 192, 288, 384, 480, 576, 672, 768])
  expect(usualWidths({ width: 192, depth: 12, heads: 3 })).toEqual([24, 48, 72, 96, 120, 144, 168, 192])
  expect(usualWidths({ width: 10, depth: 1, heads: 3 })).toEqual([10])
  expect(usualDepths({ width: 8, depth: 12, heads: 1 })).toEqual([12, 9, 6])
  expect(usualDepths({ width: 8, depth: 1, heads: 1 })).toEqual([1])
  expect(sizeWithin({ width: 768, depth: 12, heads: 12 }, { width: 192, heads: 3 })).toEqual({ width: 192, depth: 12, heads: 3 })
})
