import { median } from '../compare.js'

/** A whole network: its parts' time, and what it took, both in ms. */
export interface ComparedTimes {
  readonly composedMs: number
  readonly measuredMs: number
}

/** `measured = overhead + factor x parts` */
export interface WholeFit {
  readonly overheadMs: number
  readonly factor: number
}

/** Networks of which fewer say nothing about a factor. */
const FEWEST = 4

/** A factor must halve the error on networks that were left out of the fit: a fit of two numbers to a few noisy times is worse than that of one where there is none. */
const CLEARLY = 0.5

/** What a factor can be; beyond that the times are not of these parts. */
const [LEAST, MOST] = [0.5, 2]

/**
 * What whole networks take besides their parts, robustly: the median difference; and a factor for all parts where one clearly predicts networks better that were left out, as on backends whose
 * calls take longer inside a network than in a chain of equal parts (Theil-Sen: the median of the slopes between all pairs).
 */
export function fitWholes(compared: readonly ComparedTimes[]): WholeFit {
  const one = offsetBy(1, compared)
  if (compared.length < FEWEST) return one
  const two = withFactor(compared)
  return errorOf(withFactor, compared) < CLEARLY * errorOf((some) => offsetBy(1, some), compared) ? two : one
}

function offsetBy(factor: number, compared: readonly ComparedTimes[]): WholeFit {
  return { factor, overheadMs: median(compared.map(({ composedMs, measuredMs }) => measuredMs - factor * composedMs)) }
}

function withFactor(compared: readonly ComparedTimes[]): WholeFit {
  const slopes = compared.flatMap((a, i) =>
    compared.slice(i + 1).flatMap((b) => {
      const distance = b.composedMs - a.composedMs
      return distance === 0 ? [] : [(b.measuredMs - a.measuredMs) / distance]
    }),
  )
  return offsetBy(slopes.length === 0 ? 1 : Math.min(MOST, Math.max(LEAST, median(slopes))), compared)
}

/** Mean relative error on each network by a fit of the others. */
function errorOf(fit: (some: readonly ComparedTimes[]) => WholeFit, compared: readonly ComparedTimes[]): number {
  const errors = compared.map(({ composedMs, measuredMs }, i) => {
    const { overheadMs, factor } = fit(compared.toSpliced(i, 1))
    return Math.abs(overheadMs + factor * composedMs - measuredMs) / measuredMs
  })
  return errors.reduce((sum, each) => sum + each, 0) / errors.length
}
