import { formatPath, type StitchedPath, slidingWindow } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { describe, expect, it } from 'vitest'
import { costBins, sandwich, uniformPaths } from './path-policy.js'

const space = slidingWindow([
  { name: 'a', width: 8, depth: 6 },
  { name: 'b', width: 16, depth: 6 },
])
const length = ({ path }: StitchedPath) =>
  path.segments.reduce((sum, { first, last, tier }) => sum + (last - first + 1) * (tier === 'a' ? 1 : 4), 0)

function shares(draws: number, draw: (i: number) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i < draws; i++) counts.set(draw(i), (counts.get(draw(i)) ?? 0) + 1)
  return new Map([...counts].map(([key, count]) => [key, count / draws]))
}

describe('path policies', () => {
  it('draws every path equally often when uniform', () => {
    const policy = uniformPaths(space)
    const drawn = shares(9000, (i) => formatPath(policy(createRng(1).fork(`${i}`)).path))
    expect(drawn.size).toBe(18)
    for (const share of drawn.values()) expect(Math.abs(share - 1 / 18)).toBeLessThan(0.015)
  })

  it('draws every filled cost bin equally often, and every path of it', () => {
    const policy = costBins(space, length, 5)
    const costs = [...space.enumerate()].map(length)
    const [least, most] = [Math.min(...costs), Math.max(...costs)]
    const binOf = (cost: number) => Math.min(4, Math.floor((5 * (cost - least)) / (most - least)))
    const filled = new Set(costs.map(binOf))
    const drawn = shares(6000, (i) => `${binOf(length(policy(createRng(2).fork(`${i}`))))}`)
    expect(drawn.size).toBe(filled.size)
    for (const share of drawn.values()) expect(Math.abs(share - 1 / filled.size)).toBeLessThan(0.03)
  })

  it('copes with paths of one cost', () => {
    expect(costBins(space, () => 7)(createRng(3)).path.segments.length).toBeGreaterThan(0)
  })

  it('takes the cheapest and the most expensive of very many paths', () => {
    const paths = Array.from({ length: 200_000 }, (_, i) => space.at(i % 18))
    const policy = sandwich({ enumerate: () => paths.values() as never }, length)
    expect([0, 1].map((part) => formatPath(policy(createRng(3), part).path))).toEqual(['a[0-5]', 'a[0-1]>b[0-5]'])
  })

  it('repeats its draws for the same seed', () => {
    const policy = costBins(space, length)
    const draw = (seed: number) => Array.from({ length: 20 }, (_, i) => space.key(policy(createRng(seed).fork(`${i}`))))
    expect(draw(4)).toEqual(draw(4))
    expect(draw(4)).not.toEqual(draw(5))
  })
})
