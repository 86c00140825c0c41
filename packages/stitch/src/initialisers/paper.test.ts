import { expect, it } from 'vitest'
import { identityMap } from '../affine-map.js'
import { paper } from './paper.js'
import { denseProblem } from './testing.js'

const problem = denseProblem(['teacher'])

it('multiplies the means, entry by entry', () => {
  const { weight, bias } = paper(problem)
  for (let o = 0; o < 7; o++) {
    for (let i = 0; i < 5; i++) {
      let sum = 0
      for (let a = 0; a < 11; a++) {
        const mean = (all: typeof problem.to, row: number) => all.reduce((total, { map }) => total + map.weight[row * 11 + a]!, 0) / 3
        sum += mean(problem.to, o) * mean(problem.from, i)
      }
      expect(weight[o * 5 + i]).toBeCloseTo(sum, 6)
    }
  }
  expect([...bias]).toEqual(Array(7).fill(0))
})

it('is the same for all stitches of two tiers', () => {
  expect(paper({ ...problem, slot: { ...problem.slot, pairs: [{ j: 0, m: 0 }] } })).toEqual(paper(problem))
})

it('is mean(W_s)^T at the ancestor width, where W_t is fixed to the identity', () => {
  const { weight } = paper({
    ...problem,
    outputs: 11,
    to: problem.to.map((t) => ({ ...t, side: 'student' as const, map: identityMap(11) })),
  })
  for (let a = 0; a < 11; a++) {
    for (let i = 0; i < 5; i++) {
      expect(weight[a * 5 + i]).toBeCloseTo(problem.from.reduce((sum, { map }) => sum + map.weight[i * 11 + a]!, 0) / 3, 6)
    }
  }
})

it('needs side teacher', () => {
  expect(() => paper(denseProblem(['student']))).toThrow("the initialiser paper needs transformation matrices of side 'teacher'")
})
