import type { Json } from '@learngene/interfaces'
import type { Activation } from '@learngene/ops'
import { prefixTokensOf } from '../embedding.js'
import { gridOf, type Size, sizeIn } from '../geometry.js'
import type { Pooling } from '../head.js'
import { describe } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import type { ConfigHints } from './infer-structure.js'
import type { NamedTensors } from './read-names.js'
import type { JsonMap } from './weight-files.js'

/** What a configuration states about a network. */
export interface Stated {
  /** What no tensor tells. */
  readonly hints: ConfigHints
  /** What the tensors must confirm. */
  readonly claims: readonly Claim[]
  readonly notes: readonly string[]
}

/** A value under its key in the configuration, and what it says of the network. */
export interface Claim {
  readonly key: string
  readonly value: Json
  readonly of: keyof typeof facts
  /** The value in the network's terms. */
  readonly means: Json
}

/** Statements while they are read. */
export interface Reading {
  /** The file, for messages. */
  readonly name: string
  readonly config: JsonMap
  hints: ConfigHints
  readonly claims: Claim[]
  readonly notes: string[]
}

/** What a key of a configuration means. */
export type Rule = (value: Json, key: string, reading: Reading) => void
export type Rules = { readonly [key: string]: Rule }

/** One rule for several keys, separated by spaces. */
export function all(rule: Rule, keys: string): Rules {
  return Object.fromEntries(keys.split(/\s+/).map((key) => [key, rule]))
}

export function beginReading(name: string, config: JsonMap): Reading {
  return { name, config, hints: {}, claims: [], notes: [] }
}

/**
 * Reads all statements of a configuration.
 *
 * @param ignored keys that the caller knows not to change the outputs
 * @throws SafetensorsError when a value cannot be run here, or a key is not understood and its value is not empty
 */
export function readStatements(reading: Reading, config: JsonMap, rules: Rules, ignored: readonly string[] = []): void {
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined || ignored.includes(key)) continue
    if (Object.hasOwn(rules, key)) rules[key]!(value, key, reading)
    else if (!isEmpty(value)) {
      throw new SafetensorsError(
        `${reading.name}: ${key} is not understood and may change the outputs, found ${describe(value)}; if it does not, say so: { ignoreConfig: ['${key}'] }`,
      )
    }
  }
}

const isEmpty = (value: Json) =>
  value === null || value === false || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)

function refuse({ name }: Reading, key: string, rule: string, value: Json): never {
  throw new SafetensorsError(`${name}: ${key} must be ${rule}, found ${describe(value)}`)
}

/** A key that does not change the outputs of a trained network. */
export const harmless: Rule = () => {}

/** A key that must have one of the given values for the network to be one that runs here. */
export function only(...values: readonly Json[]): Rule {
  return (value, key, reading) => {
    if (values.some((allowed) => allowed === value)) return
    const choice = values.map((allowed) => (typeof allowed === 'string' ? `'${allowed}'` : String(allowed))).join(' or ')
    refuse(reading, key, `${choice} for a ViT that can be run here`, value)
  }
}

/** A rule that `null` leaves unsaid. */
export const orNull =
  (rule: Rule): Rule =>
  (value, key, reading) =>
    value === null ? undefined : rule(value, key, reading)

/** A whole number that the tensors confirm. */
export function size(of: keyof typeof facts, least = 1): Rule {
  return (value, key, reading) => {
    if (!(Number.isInteger(value) && (value as number) >= least)) refuse(reading, key, `a whole number of at least ${least}`, value)
    reading.claims.push({ key, value, of, means: value })
  }
}

/** Whether the network has a part, which the tensors confirm. */
export function flag(of: keyof typeof facts, negated = false): Rule {
  return (value, key, reading) => {
    if (typeof value !== 'boolean') refuse(reading, key, 'true or false', value)
    reading.claims.push({ key, value, of, means: value !== negated })
  }
}

/** The hidden width of the perceptrons as a multiple of D. */
export const ratio: Rule = (value, key, reading) => {
  if (!(typeof value === 'number' && value > 0 && Number.isFinite(value))) refuse(reading, key, 'a positive number', value)
  reading.claims.push({ key, value, of: 'ratio', means: value })
}

/** Pixels of patches: one number, or height and width. */
export const patch: Rule = (value, key, reading) => {
  reading.claims.push({ key, value, of: 'patchSize', means: pixels(value, key, reading) as Json })
}

/** Pixels of images: one number, or height and width. */
export const image: Rule = (value, key, reading) => hint(reading, key, 'imageSize', pixels(value, key, reading), value)

function pixels(value: Json, key: string, reading: Reading): Size {
  try {
    return sizeIn({ [key]: value }, key)
  } catch {
    return refuse(reading, key, 'a positive whole number, or height and width', value)
  }
}

export const heads: Rule = (value, key, reading) => {
  if (!(Number.isInteger(value) && (value as number) > 0)) refuse(reading, key, 'a positive whole number', value)
  hint(reading, key, 'heads', value as number, value)
}

export const epsilon: Rule = (value, key, reading) => {
  if (!(typeof value === 'number' && value > 0 && value <= 0.01)) refuse(reading, key, 'a positive number of at most 0.01', value)
  hint(reading, key, 'epsilon', value as number, value)
}

/** One of the library's names of activations. */
export function activation(names: { readonly [name: string]: Activation }): Rule {
  return (value, key, reading) => hint(reading, key, 'activation', choice(names, value, key, reading), value)
}

/** One of the library's names of poolings. */
export function pooling(names: { readonly [name: string]: Pooling }): Rule {
  return (value, key, reading) => hint(reading, key, 'pooling', choice(names, value, key, reading), value)
}

function choice<T>(names: { readonly [name: string]: T }, value: Json, key: string, reading: Reading): T {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return names[value]!
  const known = Object.keys(names).map((name) => `'${name}'`)
  return refuse(reading, key, `${known.join(' or ')} for a ViT that can be run here`, value)
}

/** Takes a statement, unless another key has said something else. */
export function hint<K extends keyof ConfigHints>(
  reading: Reading,
  key: string,
  what: K,
  means: NonNullable<ConfigHints[K]>,
  value: Json,
): void {
  const before = reading.hints[what]
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(means)) {
    refuse(reading, key, `${describe(before)}, as the file states elsewhere`, value)
  }
  reading.hints = { ...reading.hints, [what]: means }
}

/** What the tensors say. `undefined` where they do not. */
const facts = {
  width: ({ embeddingWidth }: NetworkStructure) => embeddingWidth,
  depth: ({ blocks }: NetworkStructure) => blocks.length,
  hidden: ({ blocks, embeddingWidth }: NetworkStructure) => blocks[0] && hiddenIn(blocks[0].config, embeddingWidth),
  ratio: ({ blocks, embeddingWidth }: NetworkStructure) => blocks[0] && hiddenIn(blocks[0].config, embeddingWidth) / embeddingWidth,
  patchSize: ({ geometry }: NetworkStructure) => geometry.patchSize as Json,
  channels: ({ geometry }: NetworkStructure) => geometry.channels,
  registers: ({ registerTokens = 0 }: NetworkStructure) => registerTokens,
  classToken: ({ classToken = true }: NetworkStructure) => classToken,
  embeddingNorm: ({ embeddingNorm = false }: NetworkStructure) => embeddingNorm,
  normAfterPooling: (_: NetworkStructure, { has }: NamedTensors) => has('fc_norm.weight'),
  classes: ({ classes }: NetworkStructure) => classes,
  /** Of a class that has a classifier only where it is asked for. */
  classesIfAny: ({ classes }: NetworkStructure) => (classes === 0 ? undefined : classes),
  qkvBias: (_: NetworkStructure, { has }: NamedTensors) => has('blocks.0.attn.qkv.bias'),
  projectionBias: (_: NetworkStructure, { has }: NamedTensors) => has('blocks.0.attn.proj.bias'),
  layerScale: (_: NetworkStructure, { has }: NamedTensors) => has('blocks.0.ls1.gamma'),
  attentionPool: (_: NetworkStructure, { has }: NamedTensors) => has('attn_pool.latent'),
  patchPositionsOnly(structure: NetworkStructure, { positions }: NamedTensors) {
    const [rows, columns] = gridOf(structure.geometry)
    return prefixTokensOf(structure) === 0 ? undefined : positions === rows * columns
  },
} as const

const hiddenIn = (config: JsonMap, width: number) => Math.round(width * ((config.mlpRatio as number | undefined) ?? 4))

/** @throws SafetensorsError when the tensors are not as the configuration states */
export function checkClaims(claims: readonly Claim[], structure: NetworkStructure, named: NamedTensors, name: string): void {
  for (const { key, value, of, means } of claims) {
    const found = facts[of](structure, named)
    const near =
      of === 'ratio' &&
      typeof found === 'number' &&
      Math.trunc((means as number) * structure.embeddingWidth) === Math.round(found * structure.embeddingWidth)
    if (found === undefined || near || JSON.stringify(found) === JSON.stringify(means)) continue
    throw new SafetensorsError(
      `${name}: config.json states ${key} ${describe(value)}, but the tensors have ${describe(found)}; do the files belong together?`,
    )
  }
}
