type Point = readonly [x: number, y: number]

/** Where a text stands: its baseline's reference point and how it hangs on it. */
export interface Placement {
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
}

/** Of a character, relative to the height of the text. */
const CHARACTER_WIDTH = 0.56

/**
 * The place around a point where a text covers the fewest of the other points and stays inside the area; below is preferred, then right, left, above.
 *
 * @param gap from the point to the text
 */
export function placeLabel(
  text: string,
  [x, y]: Point,
  others: readonly Point[],
  { size, gap, left, right }: { readonly size: number; readonly gap: number; readonly left: number; readonly right: number },
): Placement {
  const width = text.length * size * CHARACTER_WIDTH
  const candidates = [
    { x, y: y + gap + size * 0.8, anchor: 'middle', start: x - width / 2 },
    { x: x + gap, y: y + size * 0.35, anchor: 'start', start: x + gap },
    { x: x - gap, y: y + size * 0.35, anchor: 'end', start: x - gap - width },
    { x, y: y - gap, anchor: 'middle', start: x - width / 2 },
  ] as const
  const cost = (candidate: (typeof candidates)[number]) => {
    const covered = others.filter(
      ([px, py]) => px > candidate.start - 8 && px < candidate.start + width + 8 && py > candidate.y - size - 4 && py < candidate.y + 8,
    ).length
    const outside = candidate.start < left || candidate.start + width > right ? 100 : 0
    return covered + outside
  }
  const costs = candidates.map(cost)
  const { start: _, ...placement } = candidates[costs.indexOf(Math.min(...costs))]!
  return placement
}
