import { expect, it } from 'vitest'
import { placeLabel } from './place-label.js'

const options = { size: 10, gap: 10, left: 0, right: 200 }

it.each([
  ['below where it is free', [100, 100], [], 'middle', 1],
  ['right where below is taken', [100, 100], [[100, 118]], 'start', 0],
  [
    'left where below and right are taken',
    [100, 100],
    [
      [100, 118],
      [125, 100],
    ],
    'end',
    0,
  ],
  [
    'above where the rest is taken',
    [100, 100],
    [
      [100, 118],
      [125, 100],
      [75, 100],
    ],
    'middle',
    -1,
  ],
  ['left at the right edge', [195, 100], [], 'end', 0],
  ['right at the left edge', [5, 100], [], 'start', 0],
] as const)('a label stands %s', (_, point, others, anchor, side) => {
  const placed = placeLabel('label', point, others, options)
  expect(placed.anchor).toBe(anchor)
  if (side !== 0) expect(Math.sign(placed.y - point[1])).toBe(side)
})
