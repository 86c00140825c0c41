import { expect, it } from 'vitest'
import { relativeError } from '../reference/check-reference.js'
import golden from './positions-golden.json' with { type: 'json' }
import { resamplePositions } from './resample-positions.js'

it.each(golden.cases)('resamples $from x $from patches to $to x $to as PyTorch does, $leading leading', (values) => {
  const { positions, width, leading, expected, ...grid } = values
  expect(relativeError(resamplePositions(Float32Array.from(positions), width, grid, leading), expected)).toBeLessThan(1e-6)
})

it('changes nothing where the grid stays', () => {
  const { positions, width, leading, from } = golden.cases[1]!
  const given = Float32Array.from(positions)
  expect(relativeError(resamplePositions(given, width, { from, to: from }, leading), given)).toBe(0)
})
