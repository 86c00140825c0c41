/** What came where something else was expected, in a few words. */
export const describe = (value: unknown): string => {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value !== 'object' || value === null) return String(value)
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''}`
}

/** Throws unless the value is a function. */
export const requireFunction = (name: string, value: unknown): void => {
  if (typeof value !== 'function') throw new Error(`${name} must be a function: got ${describe(value)}`)
}

/** Throws unless the value is an object. */
export const requireObject = (name: string, value: unknown): void => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${name} must be an object: got ${describe(value)}`)
}

/** Throws unless the space has the named functions. */
export const requireSpace = (space: object, functions: readonly string[]): void => {
  requireObject('the space', space)
  const lacking = functions.find((name) => typeof (space as { readonly [name: string]: unknown })[name] !== 'function')
  if (lacking === undefined) return
  throw new Error(
    `a space must have the functions ${functions.join(', ')}: ${lacking}() is missing, got ${describe(space)}; searchSpace(pool) of learngene-pool makes one of a pool`,
  )
}

/** Throws unless the generator of random numbers is one. */
export const requireRng = (rng: unknown): void => {
  if (typeof (rng as { fork?: unknown } | undefined)?.fork === 'function') return
  throw new Error(`rng must be a generator of random numbers, for example createRng(0): got ${describe(rng)}`)
}

/** Throws unless the option is an integer of at least `least`. */
export const requireInteger = (name: string, value: number, least: number): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`${name} must be an integer of at least ${least}: got ${value}`)
}
