/** What came where something else was expected, in a few words. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `an array of ${(value as ArrayLike<unknown>).length}`
  if (typeof value !== 'object' || value === null) return String(value)
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''}`
}

/** @throws where the options are no object, or one of them has a name that nobody reads */
export function requireKeys(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new Error(`${where}: options must be an object; got ${describe(options)}`)
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Error(`${where}: there is no option '${unknown}'; the options are ${known.join(', ')}`)
}

/** @throws where an option is there and is no function */
export function requireFunctions<T extends object>(where: string, options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value = options[name]
    if (value !== undefined && typeof value !== 'function') throw new Error(`${where}: ${name} must be a function; got ${describe(value)}`)
  }
}
