/** Maps values to positions, with ticks at round values. */
export interface Axis {
  readonly ticks: readonly number[]
  position(value: number): number
}

/** A linear axis whose range is widened to whole steps, about `count` of them, inside the given limits. */
export function linearAxis(
  [least, most]: readonly [number, number],
  [start, end]: readonly [number, number],
  { count = 6, floor = Number.NEGATIVE_INFINITY, ceiling = Number.POSITIVE_INFINITY } = {},
): Axis {
  const isPoint = most - least <= 1e-6 * Math.abs(most)
  const step = niceStep((isPoint ? Math.abs(most) || 1 : most - least) / count)
  const from = Math.max(floor, Math.floor(least / step + 1e-9) * step)
  const to = Math.min(ceiling, Math.max(Math.ceil(most / step - 1e-9), Math.floor(least / step + 1e-9) + 1) * step)
  const first = Math.ceil(from / step - 1e-9)
  const ticks = Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  return { ticks, position: (value) => start + ((value - from) / (to - from)) * (end - start) }
}

/**
 * A logarithmic axis over positive values with some room at both ends. Ticks stand at 1, 2 and 5 of each power of ten; where these are more
 * than `count`, at powers of ten, as many as fit.
 */
export function logAxis(
  [least, most]: readonly [number, number],
  [start, end]: readonly [number, number],
  { count = 10, room = 1.15 } = {},
): Axis {
  const [from, to] = [Math.log(least / room), Math.log(most * room)]
  const inside = (tick: number) => Math.log(tick) >= from && Math.log(tick) <= to
  const powers = Array.from(
    { length: Math.ceil(to / Math.LN10) - Math.floor(from / Math.LN10) + 1 },
    (_, i) => Math.floor(from / Math.LN10) + i,
  )
  const fine = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`))).filter(inside)
  const coarse = powers.map((power) => Number(`1e${power}`)).filter(inside)
  const every = Math.ceil(coarse.length / count)
  const ticks = fine.length <= count ? fine : coarse.filter((_, i) => i % every === 0)
  return { ticks, position: (value) => start + ((Math.log(value) - from) / (to - from)) * (end - start) }
}

/** The smallest of 1, 2, 5 times a power of ten that is at least the given step. */
function niceStep(least: number): number {
  const scale = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((digit) => digit * scale).find((step) => step >= least * (1 - 1e-9))!
}
