import type { Budget, Constraint } from '@learngene/interfaces'
import { describe, requireObject } from './arguments.js'

/** A cap that a candidate breaks. */
export interface Violation extends Constraint {
  /** The candidate's value of the measure, greater than the cap. */
  readonly value: number
}

type Measures = { readonly [measure: string]: number }

/** The caps that a budget sets, in its order. Throws for a cap that is not a positive finite number. */
export const constraintsOf = (budget: Budget): Constraint[] => {
  if (typeof budget === 'string')
    throw new Error(`a budget is an object such as { macs: 5e9 }: got ${describe(budget)}; parseBudget reads text`)
  requireObject('a budget', budget)
  const constraints: Constraint[] = []
  for (const [measure, cap] of Object.entries(budget)) {
    if (cap === undefined) continue
    if (!Number.isFinite(cap) || cap <= 0) {
      throw new Error(`the cap of ${measure} must be a positive finite number: got ${cap}; leave the measure out for no cap`)
    }
    constraints.push({ measure, cap })
  }
  return constraints
}

/** A measure of a candidate. Throws where the candidate does not carry it as a finite number. */
export const measureOf = (measures: Measures, measure: string): number => {
  requireObject('measures', measures)
  const value = measures[measure]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(
    `every candidate must carry the measure ${measure} as a finite number: got ${value}, beside ${Object.keys(measures).join(', ') || 'no measure'}; add it to the space's cost()`,
  )
}

/**
 * The caps that the measures break, in the budget's order. A value equal to its cap fits.
 *
 * Throws where a capped measure is missing or not finite, and for a cap that is not a positive finite number.
 */
export const violations = (measures: Measures, budget: Budget): Violation[] =>
  constraintsOf(budget)
    .map(({ measure, cap }) => ({ measure, cap, value: measureOf(measures, measure) }))
    .filter(({ value, cap }) => value > cap)

/** Whether the measures keep every cap of the budget; errors as `violations`. */
export const fits = (measures: Measures, budget: Budget): boolean => violations(measures, budget).length === 0

/** How far the measures are over the budget: the sum over caps of value / cap - 1 where that is positive. 0 exactly where they fit. */
export const overshoot = (measures: Measures, budget: Budget): number =>
  violations(measures, budget).reduce((sum, { value, cap }) => sum + (value - cap) / cap, 0)

/** How a measure of this project is written in a budget: decimal suffixes by power of ten, binary ones by power of 1024. */
interface Unit {
  readonly decimal: { readonly [suffix: string]: number }
  readonly binary: { readonly [suffix: string]: number }
  /** The suffixes used in output, largest first. */
  readonly printed: readonly string[]
}

const counts: Unit = { decimal: { '': 0, k: 3, K: 3, M: 6, G: 9 }, binary: {}, printed: ['G', 'M', 'k', ''] }

const bytes: Unit = {
  decimal: { '': 0, B: 0, kB: 3, KB: 3, MB: 6, GB: 9 },
  binary: { KiB: 1, MiB: 2, GiB: 3 },
  printed: ['GB', 'MB', 'KB', 'B'],
}

const milliseconds: Unit = { decimal: { '': 0, ms: 0 }, binary: {}, printed: ['ms'] }

const units: ReadonlyMap<string, Unit> = new Map([
  ['macs', counts],
  ['parameters', counts],
  ['memory', bytes],
  ['bytes', bytes],
  ['latency', milliseconds],
])

/** The measures that `parseBudget` knows. */
export const knownMeasures: readonly string[] = [...units.keys()]

/** The suffixes that numbers of a known measure may carry. */
const suffixesOf = (measure: string): readonly string[] => {
  const unit = units.get(measure)!
  return [...Object.keys(unit.decimal), ...Object.keys(unit.binary)].filter((suffix) => suffix !== '')
}

/** Reads `1.5GB` for a known measure; undefined where the text is not a number with one of the measure's suffixes. */
export const parseMeasure = (measure: string, text: string): number | undefined => {
  const unit = units.get(measure)!
  const match = /^(-?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?([a-z]*)$/i.exec(text)
  if (!match) return undefined
  const [, mantissa, exponent = '0', suffix = ''] = match
  if (Object.hasOwn(unit.binary, suffix)) return Number(`${mantissa}e${exponent}`) * 1024 ** unit.binary[suffix]!
  if (!Object.hasOwn(unit.decimal, suffix)) return undefined
  // Shifting the exponent in text keeps 3.3M at exactly 3,300,000, which 3.3 * 1e6 is not.
  return Number(`${mantissa}e${Number(exponent) + unit.decimal[suffix]!}`)
}

/** Writes a value so that `parseMeasure` reads exactly the same number again: 4.7G, 1.5GB, 20ms. Unknown measures get no unit. */
export const formatMeasure = (measure: string, value: number): string => {
  const unit = units.get(measure)
  if (!unit) return String(value)
  for (const suffix of unit.printed) {
    const scale = 10 ** unit.decimal[suffix]!
    const text = `${value / scale}${suffix}`
    if ((value >= scale || scale === 1) && parseMeasure(measure, text) === value) return text
  }
  return String(value)
}

const canonicalName = (name: string): string => (name === 'params' ? 'parameters' : name)

/**
 * Reads a budget such as `macs=5e9,params=3M,memory=1.5GB,latency=20ms`.
 *
 * Measures: `macs`, `parameters` (or `params`), `memory` and `bytes` (in bytes), `latency` (in milliseconds). Suffixes: k, M, G for counts;
 * KB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024) for bytes; ms for latency. All caps of the text must hold together.
 *
 * Throws for an empty text, an unknown or repeated measure, and a cap that is not a positive number with a suffix of its measure.
 */
export const parseBudget = (text: string): Budget => {
  if (typeof text !== 'string') throw new Error(`a budget's text reads like macs=5e9,params=3M: got ${describe(text)}`)
  const caps = new Map<string, number>()
  for (const entry of text.split(',')) {
    const match = /^([^=]+)=(.+)$/.exec(entry.trim())
    if (!match) throw new Error(`a budget is a list of measure=cap, for example macs=5e9,params=3M: got '${entry.trim()}' in '${text}'`)
    const name = match[1]!.trim()
    const measure = canonicalName(name)
    if (!knownMeasures.includes(measure)) {
      throw new Error(`unknown measure '${name}' in budget '${text}': expected one of ${knownMeasures.join(', ')} (params for short)`)
    }
    if (caps.has(measure)) throw new Error(`a budget caps each measure once: ${measure} comes twice in '${text}'; keep the smaller cap`)
    const number = match[2]!.trim()
    const cap = parseMeasure(measure, number)
    if (cap === undefined || !Number.isFinite(cap) || cap <= 0) {
      throw new Error(
        `the cap of ${measure} must be a positive number, alone or with ${suffixesOf(measure).join(', ')}: got '${number}' in budget '${text}'`,
      )
    }
    caps.set(measure, cap)
  }
  return Object.fromEntries(caps)
}

/**
 * Writes a budget as `parseBudget` reads it, exactly and with readable suffixes; an empty budget gives an empty text.
 *
 * Throws for a cap that is not a positive finite number.
 */
export const formatBudget = (budget: Budget): string =>
  constraintsOf(budget)
    .map(({ measure, cap }) => `${measure}=${formatMeasure(measure, cap)}`)
    .join(',')
