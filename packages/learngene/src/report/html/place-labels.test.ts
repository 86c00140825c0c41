import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Box, crosses, overlap, type Point, placeLabels, type Wanted } from './place-labels.js'

const area = { left: 0, top: 0, right: 400, bottom: 300 }
const around = (point: Point, ...texts: string[]): Wanted => ({ texts, size: 10, beside: { point, gap: 10 } })
const square = ([x, y]: Point, half: number): Box => ({ left: x - half, top: y - half, right: x + half, bottom: y + half })

describe('placeLabels', () => {
  it('stands below its point where that is free, centred, without a leader', () => {
    const [placed] = placeLabels([around([200, 100], 'label')], { boxes: [], segments: [] }, area)
    expect(placed!.box.top).toBeGreaterThan(100)
    expect((placed!.box.left + placed!.box.right) / 2).toBeCloseTo(200)
    expect(placed).not.toHaveProperty('leader')
  })

  it.each([
    ['above where the area ends below', [200, 295], ({ bottom }: Box) => bottom < 295],
    ['right at the left edge', [2, 100], ({ left }: Box) => left > 2],
    ['left at the right edge', [398, 100], ({ right }: Box) => right < 398],
  ] as const)('stands %s', (_, point, where) => {
    const [placed] = placeLabels([around(point, 'label')], { boxes: [], segments: [] }, area)
    expect(where(placed!.box)).toBe(true)
  })

  it('says less where the long text has no place nearby', () => {
    const walls: [Point, Point][] = [
      [
        [180, 0],
        [180, 300],
      ],
      [
        [220, 0],
        [220, 300],
      ],
    ]
    const [placed] = placeLabels([around([200, 100], 'much too long', 'ab')], { boxes: [], segments: walls }, area)
    expect(placed!.text).toBe('ab')
  })

  it('goes away from a crowd with a leader back to its point', () => {
    const crowd = square([200, 150], 25)
    const [placed] = placeLabels([around([200, 150], 'label')], { boxes: [crowd], segments: [] }, area)
    const [[x, y]] = placed!.leader!
    expect(Math.hypot(x - 200, y - 150)).toBeCloseTo(5)
    expect(overlap(placed!.box, crowd)).toBe(false)
  })

  it('has no leader across a line', () => {
    const fence: [Point, Point] = [
      [100, 180],
      [300, 180],
    ]
    const [placed] = placeLabels(
      [around([200, 150], 'label')],
      { boxes: [square([200, 150], 20)], segments: [fence] },
      { ...area, top: 135 },
    )
    expect(placed === undefined || placed.box.bottom < 180).toBe(true)
  })

  it('leaves a label out that has no free place', () => {
    expect(placeLabels([around([200, 150], 'label')], { boxes: [area], segments: [] }, area)).toEqual([undefined])
  })

  it('gives the ones left out the first choice where that places more', () => {
    const beside = { x: 100, from: 100, to: 110, gap: 5 }
    const wanted = ['ab', 'abc'].map((text) => ({ texts: [text], size: 10, beside }))
    // Left of the line there is room for the short one only, and both prefer the right.
    const obstacles = { boxes: [{ left: 0, top: 0, right: 80, bottom: 300 }], segments: [] }
    const [short, long] = placeLabels(wanted, obstacles, area)
    expect(short!.box.right).toBeLessThan(100)
    expect(long!.box.left).toBeGreaterThan(100)
    expect(placeLabels(wanted.slice(0, 1), obstacles, area)[0]!.box.left).toBeGreaterThan(100)
  })

  it('covers no obstacle and no other label, and stays inside, whatever there is', () => {
    const point = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 300 }))
    const text = fc.constantFrom('89.3 %', 'chosen 89.3 %', 'w24d12 88.3 %', 'budget 8 M MACs')
    let placedLabels = 0
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 40 }),
        fc.array(fc.tuple(point, point), { maxLength: 8 }),
        fc.array(fc.tuple(text, point), { minLength: 1, maxLength: 6 }),
        (points, segments, labels) => {
          const boxes = points.map((point) => square(point, 6))
          const placed = placeLabels(
            labels.map(([text, point]) => around(point, text)),
            { boxes, segments },
            area,
          ).filter((label) => label !== undefined)
          placedLabels += placed.length
          placed.forEach(({ box, leader }, i) => {
            expect(box.left >= 0 && box.top >= 0 && box.right <= 400 && box.bottom <= 300).toBe(true)
            expect(boxes.some((other) => overlap(box, other))).toBe(false)
            expect(segments.some((segment) => crosses(segment, box))).toBe(false)
            placed.forEach((other, j) => {
              if (j === i) return
              expect(overlap(box, other.box)).toBe(false)
              if (leader) expect(crosses(leader, other.box)).toBe(false)
            })
          })
        },
      ),
      { seed: 1, numRuns: 300 },
    )
    expect(placedLabels).toBeGreaterThan(300)
  })
})

it.each([
  [[0, 0], [10, 10], true],
  [[5, -5], [5, 15], true],
  [[4, 5], [6, 5], true],
  [[-5, 2], [2, -5], false],
  [[-1, 0], [-1, 10], false],
  [[11, 5], [20, 5], false],
] as const)('a segment from %j to %j crosses the box: %s', (from, to, expected) => {
  expect(crosses([from, to], { left: 0, top: 0, right: 10, bottom: 10 })).toBe(expected)
})
