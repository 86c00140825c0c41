export type Point = readonly [x: number, y: number]

export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** What a label may not cover. */
export interface Obstacles {
  readonly boxes: readonly Box[]
  readonly segments: readonly (readonly [Point, Point])[]
}

export interface Wanted {
  /** What it says; the later ones are shorter, for where the first finds no place nearby. */
  readonly texts: readonly string[]
  /** Height of the text. */
  readonly size: number
  /** The label stands around a point, at least `gap` from it, or beside an upright line. */
  readonly beside:
    | { readonly point: Point; readonly gap: number }
    | { readonly x: number; readonly from: number; readonly to: number; readonly gap: number }
}

export interface Placed {
  readonly text: string
  readonly box: Box
  /** The baseline's reference point; the text starts there. */
  readonly x: number
  readonly y: number
  /** From near the point to the label, where the label is not next to it. */
  readonly leader?: readonly [Point, Point]
}

/** Of a character, relative to the height of the text; wide enough for the bold faces of common system fonts. */
const CHARACTER_WIDTH = 0.62
/** Kept free around a label. */
const MARGIN = 2
const DIRECTIONS = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
  [0.5, 1],
  [-0.5, 1],
  [0.5, -1],
  [-0.5, -1],
] as const
/** Beyond the gap, in heights of the text; from the far ones a leader goes back to the point. */
const NEAR = [0, 0.4, 0.8]
const FAR = [1.5, 2.25, 3, 4, 5.5, 7, 9, 11]

/**
 * Finds each label the nearest place where it covers nothing: no obstacle, no other label, and no part of it is outside the area. Labels come in order
 * of importance; one that has no free place is left out (undefined). Where that happens the ones left out get the first places in a second
 * try, which counts if it places more.
 */
export function placeLabels(wanted: readonly Wanted[], obstacles: Obstacles, area: Box): (Placed | undefined)[] {
  const inTurn = (order: readonly number[]) => {
    const labels: Box[] = []
    const leaders: (readonly [Point, Point])[] = []
    const found: (Placed | undefined)[] = wanted.map(() => undefined)
    for (const i of order) {
      const place = [...candidates(wanted[i]!)].find((candidate) => isFree(candidate, obstacles, { labels, leaders }, area))
      if (!place) continue
      found[i] = place
      labels.push(place.box)
      if (place.leader) leaders.push(place.leader)
    }
    return found
  }
  const order = wanted.map((_, i) => i)
  const first = inTurn(order)
  const isLeftOut = (i: number) => first[i] === undefined
  if (!order.some(isLeftOut)) return first
  const second = inTurn([...order.filter(isLeftOut), ...order.filter((i) => !isLeftOut(i))])
  return countPlaced(second) > countPlaced(first) ? second : first
}

function countPlaced(places: readonly (Placed | undefined)[]): number {
  return places.filter((place) => place !== undefined).length
}

function isFree(
  { box, leader }: Placed,
  { boxes, segments }: Obstacles,
  { labels, leaders }: { readonly labels: readonly Box[]; readonly leaders: Obstacles['segments'] },
  area: Box,
): boolean {
  if (box.left < area.left || box.right > area.right || box.top < area.top || box.bottom > area.bottom) return false
  if ([...boxes, ...labels].some((other) => overlap(box, other))) return false
  if ([...segments, ...leaders].some((segment) => crosses(segment, box))) return false
  if (leader === undefined) return true
  const isCrossed = [...segments, ...leaders].some((segment) => meet(leader, segment))
  // Where marks are close together the leader may start inside another one.
  return (
    !isCrossed &&
    !labels.some((other) => crosses(leader, other)) &&
    !boxes.some((other) => !contains(other, leader[0]) && crosses(leader, other))
  )
}

/** Places of a label from the best to the worst. */
function* candidates({ texts, size, beside }: Wanted): Generator<Placed> {
  if ('x' in beside) {
    for (const text of texts) yield* besideLine(text, size, beside)
    return
  }
  for (const text of texts) yield* aroundPoint(text, size, beside, NEAR)
  for (const distance of FAR) {
    for (const text of texts) yield* aroundPoint(text, size, beside, [distance])
  }
}

function* besideLine(text: string, size: number, { x, from, to, gap }: Extract<Wanted['beside'], { x: number }>): Generator<Placed> {
  for (let top = from; top + size <= to; top += size / 2) {
    yield placed(text, size, x + gap, top)
    yield placed(text, size, x - gap - widthOf(text, size), top)
  }
}

function* aroundPoint(
  text: string,
  size: number,
  { point, gap }: Extract<Wanted['beside'], { point: Point }>,
  distances: readonly number[],
): Generator<Placed> {
  for (const distance of distances) {
    for (const [dx, dy] of DIRECTIONS) {
      const away = (gap + distance * size) / Math.hypot(dx, dy)
      const [x, y] = [point[0] + dx * away, point[1] + dy * away]
      const [left, top] = [x - (widthOf(text, size) * (1 - dx)) / 2, y - (size * (1 - dy)) / 2]
      const start = gap / 2 / Math.hypot(dx, dy)
      const leader = [[point[0] + dx * start, point[1] + dy * start] as const, [x, y] as const] as const
      yield placed(text, size, left, top, distances === NEAR ? undefined : leader)
    }
  }
}

function placed(text: string, size: number, left: number, top: number, leader?: readonly [Point, Point]): Placed {
  const box = { left: left - MARGIN, top: top - MARGIN, right: left + widthOf(text, size) + MARGIN, bottom: top + size + MARGIN }
  return { text, box, x: left, y: top + 0.8 * size, ...(leader && { leader }) }
}

const widthOf = (text: string, size: number) => text.length * size * CHARACTER_WIDTH

export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

/** Whether a segment passes through a box: what is left of it when it is cut at each side in turn. */
export function crosses([[x1, y1], [x2, y2]]: readonly [Point, Point], { left, top, right, bottom }: Box): boolean {
  let [from, to] = [0, 1]
  for (const [delta, room] of [
    [x1 - x2, x1 - left],
    [x2 - x1, right - x1],
    [y1 - y2, y1 - top],
    [y2 - y1, bottom - y1],
  ] as const) {
    if (delta === 0 && room <= 0) return false
    if (delta < 0) from = Math.max(from, room / delta)
    if (delta > 0) to = Math.min(to, room / delta)
  }
  return from < to
}

function contains({ left, top, right, bottom }: Box, [x, y]: Point): boolean {
  return x >= left && x <= right && y >= top && y <= bottom
}

/** Whether two segments cross each other. */
function meet([a, b]: readonly [Point, Point], [c, d]: readonly [Point, Point]): boolean {
  const side = ([x1, y1]: Point, [x2, y2]: Point, [x, y]: Point) => Math.sign((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1))
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)
}
