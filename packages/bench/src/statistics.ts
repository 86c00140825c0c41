/** How far values spread around their median. */
export interface Spread {
  readonly least: number
  /** First and third quartile. */
  readonly q1: number
  readonly q3: number
  readonly most: number
}

/**
 * The value below which the given share of all values lies, interpolated linearly between neighbours (numpy's default).
 *
 * @param share 0 to 1
 * @throws where there are no values
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('quantile: there must be at least one value; got none')
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
  return below + (above - below) * (place - Math.floor(place))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function spreadOf(values: readonly number[]): Spread {
  return { least: quantile(values, 0), q1: quantile(values, 0.25), q3: quantile(values, 0.75), most: quantile(values, 1) }
}
