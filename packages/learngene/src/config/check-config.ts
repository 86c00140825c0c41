import type { z } from 'zod'
import { UsageError } from '../errors.js'
import { insideOf, isPlainObject, type Schema } from './schema.js'

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

/** Problems that one error names. */
const MOST_NAMED = 3

/**
 * What the schema makes of a value. Keys that it does not name are refused at any depth, whether its objects are strict or not; only `catchall` and `looseObject`
 * let them in. Functions stay the ones that were given, also under `z.function()`, which would wrap them.
 *
 * @param name whose values these are, such as the file's; the error begins with it
 * @throws UsageError in one line: each unknown option with the nearest known one, each wrong value with its path, what was expected and what came
 */
export function checkConfig<S extends z.ZodType>(schema: S, value: unknown, name: string): z.output<S> {
  // Alone, because a value that is missing is often the one that was misspelt.
  checkOptions(schema, value, name)
  const result = schema.safeParse(value)
  refuse(result.error?.issues.flatMap((issue) => problemsOf(issue, value)) ?? [], name)
  return withFunctions(result.data, value) as z.output<S>
}

/** The part of {@link checkConfig} that an incomplete configuration can pass: every option is one that the schema names. */
export function checkOptions(schema: z.ZodType, value: unknown, name: string): void {
  refuse(unknownOptions(schema, value, []), name)
}

function refuse(problems: readonly string[], name: string): void {
  if (problems.length === 0) return
  throw new UsageError(
    `${name}: ${problems.slice(0, MOST_NAMED).join('; ')}${problems.length > MOST_NAMED ? `; and ${problems.length - MOST_NAMED} more` : ''}`,
  )
}

/** The keys at any depth that the schema does not name. */
function unknownOptions(schema: Schema, value: unknown, path: Path): string[] {
  const inside = insideOf(schema, value)
  if (inside.kind === 'array' && Array.isArray(value)) {
    return value.flatMap((element, i) => {
      const of = inside.element(i)
      return of ? unknownOptions(of, element, [...path, i]) : []
    })
  }
  if ((inside.kind !== 'object' && inside.kind !== 'record') || !isPlainObject(value)) return []
  return Object.entries(value).flatMap(([key, each]) => {
    if (inside.kind === 'record') return unknownOptions(inside.value, each, [...path, key])
    const of = Object.hasOwn(inside.shape, key) ? inside.shape[key] : inside.rest
    return of ? unknownOptions(of, each, [...path, key]) : [unknownOption([...path, key], Object.keys(inside.shape))]
  })
}

function unknownOption(path: Path, known: readonly string[]): string {
  const near = nearest(String(path.at(-1)), known)
  const hint = near === undefined ? `the options there are ${known.join(', ')}` : `did you mean '${near}'?`
  return `there is no option ${nameOf(path)}${known.length > 0 ? `; ${hint}` : ''}`
}

function problemsOf(issue: Issue, root: unknown): string[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption([...path, key], []))
  if (issue.code === 'invalid_union') {
    // The option that got farthest into the value is the one that was meant.
    const depths = issue.errors.map((errors) => Math.max(0, ...errors.map((each) => each.path.length)))
    const meant = depths.findIndex((depth) => depth > 0 && depth === Math.max(...depths))
    if (meant >= 0) return issue.errors[meant]!.flatMap((each) => problemsOf({ ...each, path: [...path, ...each.path] }, root))
  }
  const value = valueAt(root, path)
  const expected = expectationOf(issue, value)
  const rule = expected === undefined ? `: ${issue.message}` : ` must be ${expected}`
  return [`${nameOf(path)}${rule}, got ${shown(value)}`]
}

/** What belongs after `must be`; undefined where the issue's own message says it. */
function expectationOf(issue: Issue, value: unknown): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return EXPECTED[issue.expected] ?? `a ${issue.expected}`
    case 'invalid_value':
      return oneOf(issue.values, value)
    case 'too_small':
      return amount(issue.origin, `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`)
    case 'too_big':
      return amount(issue.origin, `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`)
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    case 'invalid_union': {
      if ('options' in issue) return oneOf(issue.options as readonly unknown[], value)
      const expected = issue.errors.flatMap(([first]) => (first ? (expectationOf(first, value) ?? first.message) : []))
      return [...new Set(expected)].join(' or ')
    }
    default:
      return undefined
  }
}

const EXPECTED: { readonly [type: string]: string } = {
  object: 'an object',
  array: 'an array',
  int: 'an integer',
  string: 'text',
  record: 'an object',
}

function amount(origin: string, bound: string): string {
  if (origin === 'array') return `an array of ${bound} elements`
  if (origin === 'string') return `text of ${bound} characters`
  return bound
}

function oneOf(values: readonly unknown[], value: unknown): string {
  const texts = values.filter((each) => typeof each === 'string')
  const near = typeof value === 'string' ? nearest(value, texts) : undefined
  const list = values.map(shown).join(', ')
  return `${values.length === 1 ? list : `one of ${list}`}${near === undefined ? '' : ` (did you mean '${near}'?)`}`
}

function nameOf(path: Path): string {
  return path.length === 0 ? 'the configuration' : `'${path.map(String).join('.')}'`
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as { readonly [key: PropertyKey]: unknown } | undefined | null)?.[key], root)
}

/** A value in a few words. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 39)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return isPlainObject(value) ? 'an object' : `a ${value.constructor?.name}`
  return String(value)
}

/** Of another name's characters so many may differ, and no more than this share. */
const MOST_DIFFERENT = 3
const LEAST_ALIKE = 0.4

/** The name that is most like a text; undefined where none is like it. */
function nearest(text: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, distance: distance(text, name) }))
    .filter(({ name, distance }) => distance <= MOST_DIFFERENT && 1 - distance / Math.max(text.length, name.length) > LEAST_ALIKE)
    .sort((a, b) => a.distance - b.distance)
  return best?.name
}

/** Damerau and Levenshtein's: the least number of characters to put in, take out, exchange, or swap with their neighbour. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const [last, row] = [rows[i - 1]!, [i]]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same, isSwap ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** What zod made of a value, with the value's own functions in place of zod's. */
function withFunctions(made: unknown, given: unknown): unknown {
  if (made === given) return made
  if (typeof made === 'function' && typeof given === 'function') return given
  if (Array.isArray(made) && Array.isArray(given)) return made.map((each, i) => withFunctions(each, given[i]))
  if (!isPlainObject(made) || !isPlainObject(given)) return made
  return Object.fromEntries(Object.entries(made).map(([key, each]) => [key, withFunctions(each, given[key])]))
}
