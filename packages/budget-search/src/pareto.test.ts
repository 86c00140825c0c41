import type { Candidate } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scored } from './fixtures.js'
import { pareto } from './pareto.js'

fc.configureGlobal({ seed: 1 })

const few = fc.integer({ min: 0, max: 5 })
const candidates = fc
  .array(fc.record({ macs: few, parameters: few, latency: few, score: few }), { maxLength: 40 })
  .map((list) => list.map(({ score, ...measures }, i) => scored(`c${i}`, measures, score)))

const byDefinition = (list: readonly Candidate<string>[], cost: readonly string[]): Candidate<string>[] =>
  list.filter(
    (b) =>
      !list.some(
        (a) =>
          a.score! >= b.score! &&
          cost.every((name) => a.measures[name]! <= b.measures[name]!) &&
          (a.score! > b.score! || cost.some((name) => a.measures[name]! < b.measures[name]!)),
      ),
  )

describe('pareto', () => {
  it.each([[['macs']], [['macs', 'parameters']], [['latency', 'macs', 'parameters']]])('is what the definition says for %j', (cost) => {
    fc.assert(
      fc.property(candidates, (list) => {
        expect(new Set(pareto(list, { cost }))).toEqual(new Set(byDefinition(list, cost)))
      }),
    )
  })

  it('is ascending by cost and keeps equal candidates in input order', () => {
    fc.assert(
      fc.property(candidates, (list) => {
        const front = pareto(list, { cost: 'macs' })
        for (let i = 1; i < front.length; i++) {
          const [before, after] = [front[i - 1]!, front[i]!]
          const ascending = before.measures.macs! < after.measures.macs! && before.score < after.score
          const equal = before.measures.macs === after.measures.macs && before.score === after.score
          expect(ascending || (equal && list.indexOf(before) < list.indexOf(after))).toBe(true)
        }
      }),
    )
  })

  it('drops what costs more without being better', () => {
    const list = [
      scored('large', { macs: 9 }, 0.7),
      scored('tie', { macs: 4 }, 0.7),
      scored('small', { macs: 1 }, 0.5),
      scored('best', { macs: 6 }, 0.8),
    ]
    expect(pareto(list, { cost: 'macs' }).map(({ key }) => key)).toEqual(['small', 'tie', 'best'])
  })

  it('leaves its input alone and takes none', () => {
    const list = Object.freeze([scored('b', { macs: 2 }, 1), scored('a', { macs: 1 }, 0)])
    expect(pareto(list, { cost: 'macs' }).map(({ key }) => key)).toEqual(['a', 'b'])
    expect(pareto([], { cost: 'macs' })).toEqual([])
  })

  it('refuses what it cannot compare', () => {
    expect(() => pareto([{ value: 0, key: 'a', measures: { macs: 1 } }], { cost: 'macs' })).toThrow('a has undefined; evaluate it first')
    expect(() => pareto([scored('a', { macs: 1 }, Number.NaN)], { cost: 'macs' })).toThrow('a has NaN')
    expect(() => pareto([scored('a', { macs: 1 }, 1)], { cost: 'latency' })).toThrow(/must carry the measure latency/)
    expect(() => pareto([scored('a', { macs: 1 }, 1)], { cost: [] })).toThrow(/at least one measure/)
  })
})
