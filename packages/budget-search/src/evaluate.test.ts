import { describe, expect, it } from 'vitest'
import { evaluate } from './evaluate.js'
import { scored } from './fixtures.js'

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

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, '1'])('refuses the score %s', async (score) => {
    await expect(evaluate(() => [1, score as number], candidates)).rejects.toThrow(`got ${score} for b`)
  })
})
