import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answers, cascadeCandidates, scoreCascade } from './cascades.js'

const small: Answers = { macs: 10, confidence: [0.9, 0.2, 0.6, 0.4], correct: [1, 0, 1, 0] }
const large: Answers = { macs: 100, confidence: [0.9, 0.9, 0.9, 0.9], correct: [1, 1, 0, 1] }

describe('cascadeCandidates', () => {
  it('passes on the least sure first, and keeps the thresholds that are right more often', () => {
    expect([...cascadeCandidates([small, large])]).toEqual([
      { small: 0, large: 1, threshold: 0.3, passedOn: 0.25, score: 0.75, macs: 35 },
      { small: 0, large: 1, threshold: 0.5, passedOn: 0.5, score: 1, macs: 60 },
    ])
  })

  it('counts what two share once, looks at the pairs that it is told, and never puts the dearer one first', () => {
    const [first] = cascadeCandidates([large, small], { shared: (a, b) => (a === 1 && b === 0 ? 8 : Number.NaN) })
    expect(first).toMatchObject({ small: 1, large: 0, macs: 10 + 0.25 * 92 })
    expect([...cascadeCandidates([small, large], { pairs: () => false })]).toEqual([])
    expect([...cascadeCandidates([small, { ...large, macs: 10 }])]).toEqual([])
  })

  it('scores a cascade that answers where it is as sure as the threshold, and counts what the two share once', () => {
    expect(scoreCascade(small, large, 0.6, 8)).toEqual({ passedOn: 0.5, score: 1, macs: 10 + 0.5 * 92 })
  })

  it('does not part images that are equally sure, and finds thresholds between neighbours', () => {
    const next = 0.5 + 2 ** -53
    const [only, ...others] = cascadeCandidates([
      { macs: 1, confidence: [0.5, 0.5, next], correct: [0, 0, 1] },
      { macs: 2, confidence: [1, 1, 1], correct: [1, 1, 1] },
    ])
    expect(others).toEqual([])
    expect(only).toEqual({ small: 0, large: 1, threshold: next, passedOn: 2 / 3, score: 1, macs: 1 + 4 / 3 })
  })

  it('says of every candidate what running it comes to, and leaves out nothing that is better', () => {
    const model = (images: number) =>
      fc.record({
        macs: fc.integer({ min: 1, max: 50 }),
        confidence: fc.array(
          fc.integer({ min: 0, max: 9 }).map((tenths) => tenths / 10),
          { minLength: images, maxLength: images },
        ),
        correct: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: images, maxLength: images }),
      })
    const models = fc.integer({ min: 1, max: 12 }).chain((images) => fc.array(model(images), { minLength: 2, maxLength: 4 }))
    fc.assert(
      fc.property(models, (models) => {
        const found = [...cascadeCandidates(models)]
        for (const { small, large, threshold, ...score } of found)
          expect(scoreCascade(models[small]!, models[large]!, threshold)).toEqual(score)
        for (const [i, a] of models.entries()) {
          for (const [j, b] of models.entries()) {
            if (b.macs <= a.macs) continue
            for (const threshold of a.confidence) {
              const { score, macs, passedOn } = scoreCascade(a, b, threshold)
              const atMost = found.filter((each) => each.small === i && each.large === j && each.macs <= macs)
              const alone = a.correct.reduce((sum, each) => sum + each, 0) / a.correct.length
              if (passedOn < 1) expect(Math.max(alone, ...atMost.map((each) => each.score))).toBeGreaterThanOrEqual(score)
            }
          }
        }
      }),
    )
  })

  it.each([
    [
      [small, { ...large, correct: [1] }],
      'models[1] must have a confidence and an outcome for each of the same images, at least one; got 4 and 1 for 4',
    ],
    [
      [{ ...small, confidence: [], correct: [] }],
      'models[0] must have a confidence and an outcome for each of the same images, at least one; got 0 and 0 for 0',
    ],
    [[{ ...small, confidence: [1, Number.NaN, 1, 1] }], 'models[0].confidence must be numbers; that of image 1 is NaN'],
    [[{ ...small, macs: -1 }], 'models[0].macs must be a number of at least 0; got -1'],
  ])('refuses what is no answers, %#', (models, message) => {
    expect(() => [...cascadeCandidates(models)]).toThrow(message)
  })
})
