import { describe, expect, it } from 'vitest'
import { scored } from './fixtures.js'
import { evaluate, resultOf } from './result.js'

const candidates = [scored('a', { macs: 1 }, 0), scored('b', { macs: 2 }, 0)]

describe('evaluate', () => {
  it('takes a plain and an asynchronous evaluator', async () => {
    const lengths = (values: readonly string[]) => values.map((value) => value.charCodeAt(0))
    const expected = [scored('a', { macs: 1 }, 97), scored('b', { macs: 2 }, 98)]
    expect(await evaluate(lengths, candidates)).toEqual(expected)
    expect(await evaluate(async (values) => lengths(values), candidates)).toEqual(expected)
  })

  it('refuses a wrong number of scores', async () => {
    await expect(evaluate(() => [1], candidates)).rejects.toThrow('one score for each value: expected 2, got 1')
    await expect(evaluate(() => [1, 2, 3], candidates)).rejects.toThrow('expected 2, got 3')
  })

  it.each([undefined, 7, 'ab', { 0: 1, 1: 2 }])('refuses %j, which is no list', async (scores) => {
    await expect(evaluate(() => scores as never, candidates)).rejects.toThrow('an evaluator must return a list of scores: got')
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, '1'])('refuses the score %s', async (score) => {
    await expect(evaluate(() => [1, score as number], candidates)).rejects.toThrow(`got ${score} for b`)
  })
})

const outcome = (...list: ReturnType<typeof scored>[]) => {
  const { chosen, runnerUp, whyRunnerUpLost } = resultOf(list, 'macs')
  return [chosen.key, runnerUp?.key, whyRunnerUpLost]
}

describe('resultOf', () => {
  it('chooses the higher score, with digits that tell the two apart', () => {
    expect(outcome(scored('a', { macs: 1 }, 0.871), scored('b', { macs: 2 }, 0.88))).toEqual([
      'b',
      'a',
      'a lost: its score is 0.871, that of b is 0.88',
    ])
    expect(outcome(scored('a', { macs: 1 }, 2 / 3), scored('b', { macs: 2 }, 2 / 3 + 1e-7))[2]).toBe(
      'a lost: its score is 0.6666667, that of b is 0.6666668',
    )
  })

  it('prefers fewer macs between equal scores', () => {
    expect(outcome(scored('a', { macs: 5.2e9 }, 0.9), scored('b', { macs: 4.8e9 }, 0.9))).toEqual([
      'b',
      'a',
      'a lost: its score 0.9 is the same as that of b, but its macs is 5.2G against 4.8G',
    ])
  })

  it('prefers the first key where the rest is equal, by code units', () => {
    expect(outcome(scored('b', { macs: 1 }, 0.9), scored('B', { macs: 1 }, 0.9), scored('c', { macs: 1 }, 0.9))).toEqual([
      'B',
      'b',
      'b lost: its score 0.9 and its macs are the same as those of B, whose key comes first',
    ])
  })

  it('has no runner-up where one candidate was evaluated', () => {
    expect(outcome(scored('a', { macs: 1 }, 0.9))).toEqual(['a', undefined, expect.stringContaining('no other candidate that fits')])
  })

  it('gives the Pareto front and all that was evaluated, in order', () => {
    const list = [scored('a', { macs: 3 }, 3), scored('b', { macs: 2 }, 1), scored('c', { macs: 1 }, 1)]
    const result = resultOf(list, 'macs')
    expect(result.pareto.map(({ key }) => key)).toEqual(['c', 'a'])
    expect(result.evaluated).toEqual(list)
  })
})
