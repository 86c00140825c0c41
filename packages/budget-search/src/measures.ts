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
export const suffixesOf = (measure: string): readonly string[] => {
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
    if (value >= scale && parseMeasure(measure, text) === value) return text
  }
  return String(value)
}
