import { describe, expect, it } from 'vitest'
import { identityMap } from '../affine-map.js'
import { dense9, denseProblem, transformations } from './testing.js'
import { isIdentity, trainedTransformations } from './trained-transformations.js'

it('picks the matrices of one side', () => {
  const problem = denseProblem(['teacher', 'student'])
  const { from, to } = trainedTransformations('learned', 'student', problem)
  expect(from).toEqual(problem.from.slice(3))
  expect(to).toEqual(problem.to.slice(3))
})

it('lets a tier that is fixed to the ancestor serve both sides', () => {
  const fixed = dense9.map(([position, ancestorPosition]) => ({
    side: 'student' as const,
    position,
    ancestorPosition,
    map: identityMap(11),
  }))
  const problem = { ...denseProblem(['teacher']), outputs: 11, to: fixed }
  expect(trainedTransformations('pinv', 'teacher', problem).to).toEqual(fixed)
})

describe('identity', () => {
  it('is exact', () => {
    const map = identityMap(3)
    expect(isIdentity(map)).toBe(true)
    expect(isIdentity({ ...map, bias: Float32Array.of(0, 1e-9, 0) })).toBe(false)
    expect(isIdentity({ ...map, weight: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1.0001) })).toBe(false)
    expect(isIdentity({ inputs: 2, outputs: 1, weight: Float32Array.of(1, 0), bias: new Float32Array(1) })).toBe(false)
  })
})

describe('what is missing is named', () => {
  it.each([
    [
      'learned',
      'student',
      denseProblem(['teacher']),
      "needs transformation matrices of side 'student', tier w5d9 has only those of side 'teacher'",
    ],
    ['paper', 'teacher', denseProblem(['student']), "distil it with side 'teacher' or with both sides"],
    ['pinv', 'teacher', { ...denseProblem(['teacher']), to: [] }, 'tier w7d9 has none'],
  ] as const)('%s', (name, side, problem, message) => {
    expect(() => trainedTransformations(name, side, problem)).toThrow(message)
  })
})

it('refuses matrices of another tier or another ancestor', () => {
  const problem = denseProblem(['student'])
  expect(() => trainedTransformations('learned', 'student', { ...problem, inputs: 6 })).toThrow(
    'tier w5d9 has width 6, got a transformation matrix of width 5 at its block 2',
  )
  const to = transformations('student', 7, 12, dense9, 1)
  expect(() => trainedTransformations('learned', 'student', { ...problem, to })).toThrow('got ancestor widths 11 and 12')
})
