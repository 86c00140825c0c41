import type { JsonObject } from '@learngene/interfaces'
import { isTierName, type Side, type SpaceSpec } from '@learngene/stitch'
import { json, type NetworkStructure, type PartSpec, readPartSpec, readStructure } from '@learngene/vit-blocks'

/** The name of the file that describes the others. */
export const MANIFEST = 'manifest.json'

/** The version of all that a manifest says. A reader ignores keys that it does not know, so only what changes the meaning of known ones counts it up. */
export const SCHEMA = 1

export interface Manifest {
  readonly format: 'learngene-pool'
  readonly schema: typeof SCHEMA
  readonly space: SpaceSpec
  readonly details: JsonObject
  readonly tiers: readonly TierEntry[]
  readonly stitches: FileEntry & PartSpec
}

export interface FileEntry {
  /** A plain name in the pool's folder. */
  readonly file: string
  /** Hexadecimal. */
  readonly sha256: string
}

export interface TierEntry extends FileEntry {
  readonly name: string
  readonly structure: NetworkStructure
  readonly transformations: readonly TransformationEntry[]
  readonly standsFor?: readonly number[]
}

export interface TransformationEntry {
  readonly side: Side
  readonly position: number
  readonly ancestorPosition: number
  readonly inputs: number
  readonly outputs: number
  /** Fixed to the identity; not stored. */
  readonly identity: boolean
}

const mostTiers = 64
const mostBlocks = 512
/** An identity of this width takes 1 GB; ViT-22B has a width of 6,144. */
const widest = 2 ** 14
/** Floats of all identities of a tier, which no file's size bounds. */
const mostIdentityFloats = 2 ** 28

/**
 * A pool's manifest, checked whole before anything is made of it.
 *
 * @throws Error naming the value that no manifest has; where a file would lie outside the pool's folder, too
 */
export function readManifest(bytes: Uint8Array): Manifest {
  const manifest = json.object(json.parse(textOf(bytes)), 'it')
  const { format, schema, space, details = {}, tiers, stitches } = manifest
  if (format !== 'learngene-pool' || schema !== SCHEMA) {
    throw new Error(
      `it must have format "learngene-pool" and schema ${SCHEMA}; got ${json.describe(format)} and ${json.describe(schema)}. It is no pool or of another version`,
    )
  }
  const read: Manifest = {
    format,
    schema,
    // What options a kind has, the kind's own function checks.
    space: json.object(space, 'space') as SpaceSpec,
    details: json.object(details, 'details'),
    tiers: json.list(tiers, 'tiers', mostTiers, readTier),
    stitches: { ...readFileEntry(json.object(stitches, 'stitches'), 'stitches'), ...readPartSpec(stitches, 'stitches') },
  }
  assertOnce(
    [...read.tiers, read.stitches].map(({ file }) => file),
    'a file',
  )
  return read
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it must be JSON in UTF-8; its bytes are no UTF-8')
  }
}

function readTier(value: unknown, at: string): TierEntry {
  const tier = json.object(value, at)
  const transformations = json.list(tier.transformations, `${at}.transformations`, mostBlocks, readTransformation)
  assertOnce(
    transformations.map(({ side, position }) => `${side} ${position}`),
    `a position of ${at}.transformations`,
  )
  const identityFloats = transformations.reduce((sum, { identity, inputs, outputs }) => sum + (identity ? inputs * outputs : 0), 0)
  if (identityFloats > mostIdentityFloats) {
    throw new Error(`the identities of ${at}.transformations must have at most ${mostIdentityFloats} numbers; they have ${identityFloats}`)
  }
  return {
    ...readFileEntry(tier, at),
    name: json.text(tier.name, `${at}.name`, tierName),
    structure: readStructure(tier.structure, `${at}.structure`),
    transformations,
    ...(tier.standsFor !== undefined && { standsFor: json.list(tier.standsFor, `${at}.standsFor`, mostBlocks, readBlockIndex) }),
  }
}

const readBlockIndex = (value: unknown, at: string) => json.integer(value, at, 0, mostBlocks - 1)

const tierName = {
  pattern: { test: isTierName },
  words: 'a letter, then letters, digits, "_", "." or "-", 200 characters at most',
}
const fileName = { pattern: /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/, words: "the plain name of a file in the pool's folder" }
const hash = { pattern: /^[0-9a-f]{64}$/, words: 'a SHA-256 of 64 hexadecimal digits' }

function readFileEntry({ file, sha256 }: JsonObject, at: string): FileEntry {
  return { file: json.text(file, `${at}.file`, fileName), sha256: json.text(sha256, `${at}.sha256`, hash) }
}

function readTransformation(value: unknown, at: string): TransformationEntry {
  const { side, position, ancestorPosition, inputs, outputs, identity } = json.object(value, at)
  const entry = {
    side: json.text(side, `${at}.side`, { pattern: /^(student|teacher)$/, words: '"student" or "teacher"' }) as Side,
    position: json.integer(position, `${at}.position`, 0, mostBlocks - 1),
    ancestorPosition: json.integer(ancestorPosition, `${at}.ancestorPosition`, 0, mostBlocks - 1),
    inputs: json.integer(inputs, `${at}.inputs`, 1, widest),
    outputs: json.integer(outputs, `${at}.outputs`, 1, widest),
    identity: json.flag(identity, `${at}.identity`),
  }
  if (entry.identity && entry.inputs !== entry.outputs) {
    throw new Error(`${at} must have as many inputs as outputs, being an identity; got ${entry.inputs} and ${entry.outputs}`)
  }
  return entry
}

function assertOnce(names: readonly string[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new Error(`${what} must be named once; got ${json.describe(twice)} twice`)
}
