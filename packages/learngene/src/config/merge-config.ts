import { type Inside, insideOf, isPlainObject, type Schema } from './schema.js'

/** Any part of a value. */
export type Overrides<T> = T extends readonly unknown[] | ((...values: never[]) => unknown)
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Overrides<T[K]> | undefined }
    : T

type Plain = { readonly [key: string]: unknown }

/**
 * `base` with the values of each override in place of its own, the last one winning. Plain objects are merged key by key; all else, such as arrays, functions
 * and instances of classes, is taken whole. What is undefined counts as not given. Changes none of them.
 */
export function mergeConfig<T extends object>(base: T, ...overrides: readonly (Overrides<T> | undefined)[]): T {
  return overrides.reduce<unknown>((merged, override) => merge(merged, override, everywhere), base) as T
}

/**
 * {@link mergeConfig} that merges objects only where the schema has an object of named keys. Records, whose keys are the user's, are taken whole, and so is one
 * option of a union in place of another.
 */
export function mergeAlong(schema: Schema, base: unknown, ...overrides: readonly unknown[]): unknown {
  return overrides.reduce((merged, override) => merge(merged, override, whereNamed(schema)), base)
}

/** How two plain objects are merged: what merges the values of a key, or undefined where the second is taken whole. */
type Rule = (base: Plain, override: Plain) => ((key: string) => Rule) | undefined

const everywhere: Rule = () => () => everywhere
const nowhere: Rule = () => undefined

function whereNamed(schema: Schema): Rule {
  return (base, override) => {
    const inside = insideOf(schema, base)
    if (inside.kind !== 'object' || !isSameOption(schema, inside, base, override)) return undefined
    return (key) => (Object.hasOwn(inside.shape, key) ? whereNamed(inside.shape[key]!) : nowhere)
  }
}

/** Whether the override means the same option of a union as the base; one that says nothing about it does. */
function isSameOption(schema: Schema, inside: Inside & { kind: 'object' }, base: Plain, override: Plain): boolean {
  const meant = insideOf(schema, override)
  const decided = meant.kind === 'leaf' ? insideOf(schema, { ...base, ...override }) : meant
  return decided.kind === 'object' && decided.shape === inside.shape
}

function merge(base: unknown, override: unknown, rule: Rule): unknown {
  if (override === undefined) return base
  if (!isPlainObject(base) || !isPlainObject(override)) return override
  const ruleOf = rule(base, override)
  if (!ruleOf) return override
  const keys = new Set([...Object.keys(base), ...Object.keys(override)])
  const own = (object: Plain, key: string) => (Object.hasOwn(object, key) ? object[key] : undefined)
  // fromEntries makes a key of `__proto__` too, where an assignment would change the prototype.
  return Object.fromEntries([...keys].map((key) => [key, merge(own(base, key), own(override, key), ruleOf(key))]))
}
