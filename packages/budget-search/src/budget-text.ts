import type { Budget } from '@learngene/interfaces'
import { describe } from './arguments.js'
import { constraintsOf } from './constraints.js'
import { formatMeasure, knownMeasures, parseMeasure, suffixesOf } from './measures.js'

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
