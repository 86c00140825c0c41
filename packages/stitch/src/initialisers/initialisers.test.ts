import { expect, it } from 'vitest'
import { uniformMatrix } from '../linear-algebra/testing.js'
import { initialisers } from './initialisers.js'
import { denseProblem, entries, gramOf } from './testing.js'

it('offers every initialiser by its name', () => {
  expect(Object.keys(initialisers)).toEqual(['learned', 'paper', 'pinv', 'leastSquares', 'ridge', 'random', 'identity'])
})

it.each(Object.entries(initialisers))('%s returns a map of the right size without changing the problem', (_, initialise) => {
  const problem = {
    ...denseProblem(['student', 'teacher'], undefined, 6, 6),
    gram: gramOf(uniformMatrix(40, 6, 1), uniformMatrix(40, 6, 2)),
  }
  const { rng: _rng, ...values } = problem
  const before = structuredClone(values)
  const map = initialise(problem)
  expect(values).toEqual(before)
  expect([map.inputs, map.outputs, map.weight.length, map.bias.length]).toEqual([6, 6, 36, 6])
  expect(entries(map).every(Number.isFinite)).toBe(true)
})
