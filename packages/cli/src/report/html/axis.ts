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
  const from = Math.max(floor, Math.floor(least / step) * step)
  const to = Math.min(ceiling, Math.max(Math.ceil(most / step), Math.floor(least / step) + 1) * step)
  const first = Math.ceil(from / step - 1e-9)
  const ticks = Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  return { ticks, position: (value) => start + ((value - from) / (to - from)) * (end - start) }
}

/** A logarithmic axis over positive values, with ticks at 1, 2 and 5 of each power of ten. */
export function logAxis([least, most]: readonly [number, number], [start, end]: readonly [number, number]): Axis {
  const [from, to] = [Math.log(least / 1.15), Math.log(most * 1.15)]
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(least)) - 1; power <= Math.log10(most) + 1; power++) {
    for (const digit of [1, 2, 5]) {
      const tick = Number(`${digit}e${power}`)
      if (Math.log(tick) >= from && Math.log(tick) <= to) ticks.push(tick)
    }
  }
  return { ticks, position: (value) => start + ((Math.log(value) - from) / (to - from)) * (end - start) }
}

/** The smallest of 1, 2, 5 times a power of ten that is at least the given step. */
function niceStep(least: number): number {
  const scale = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5, 10].map((digit) => digit * scale).find((step) => step >= least * (1 - 1e-9))!
}
