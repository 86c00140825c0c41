/** @throws one line that names an unknown key and the known one that is most like it */
export const checkKeys = (name: string, settings: unknown, known: readonly string[]): void => {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new Error(`${name} must be an object with some of ${known.join(', ')}, got ${JSON.stringify(settings) ?? String(settings)}`)
  const unknown = Object.keys(settings).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const [nearest] = [...known].sort(
    (a, b) => distance(unknown.toLowerCase(), a.toLowerCase()) - distance(unknown.toLowerCase(), b.toLowerCase()),
  )
  throw new Error(`${name} has no setting ${unknown}, did you mean ${nearest}? Known: ${known.join(', ')}`)
}

/** @throws one line where a value is no number, no integer where it must be one, or beyond its bounds */
export const checkRange = (name: string, value: unknown, least: number, most: number, isInteger = false): void => {
  if (typeof value === 'number' && value >= least && value <= most && (!isInteger || Number.isInteger(value))) return
  const bounds = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`
  throw new RangeError(
    `${name} must be ${isInteger ? 'an integer' : 'a number'} ${bounds}, got ${typeof value === 'string' ? `'${value}'` : value}`,
  )
}

/** Letters to change, add or leave out from one name to the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
