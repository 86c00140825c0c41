import type { Json, JsonObject } from '@learngene/interfaces'
import { json } from '@learngene/vit-blocks'
import { type Account, readAccount } from './account.js'
import { canonicalJson, sha256 } from './canonical-json.js'

/** Changes when what a manifest or a checkpoint says changes its meaning. */
export const SCHEMA = 1

/** The file of an artifact that says what it is. */
export const MANIFEST = 'artifact.json'

export interface FileEntry {
  readonly bytes: number
  readonly sha256: string
}

/** What a stage's key is made of. */
export interface Depends {
  readonly settings: Json
  /** Keys of the stages whose artifacts it reads, by name. */
  readonly needs: { readonly [stage: string]: string }
  /** What tells inputs from outside apart: a data set's fingerprint, a file's hash. */
  readonly fingerprints: { readonly [input: string]: string }
}

/** What an artifact is and holds. */
export interface Manifest {
  readonly schema: typeof SCHEMA
  readonly stage: string
  readonly key: string
  /** Package and version that wrote it. */
  readonly createdBy: string
  /** When, as ISO 8601. */
  readonly created: string
  readonly files: { readonly [name: string]: FileEntry }
  /** Of the stage itself: results, structures. */
  readonly info: JsonObject
  readonly depends?: Depends
  readonly account?: Account
}

/** An artifact or a checkpoint that another version of the project wrote, which must not be taken for a damaged one and written over. */
export class SchemaError extends Error {}

const hexadecimal = { pattern: /^[0-9a-f]{64}$/, words: 'a SHA-256 in hexadecimal' }
const anyText = { pattern: /^/, words: 'a text' }

/** A segment of a file's name, or the name of a stage without its colons: safe on every file system. */
const segment = /^(?!.*\.$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

/** @throws Error when a stage cannot have this name */
export function requireStageName(name: unknown): asserts name is string {
  if (typeof name === 'string' && segment.test(folderOf(name))) return
  throw new Error(
    `a stage's name must have letters, digits and . _ - : only, at most 100, and neither start nor end with a dot; got ${json.describe(name)}`,
  )
}

/** The folder of a stage's artifact: `tier:w192` is in `tier-w192`. */
export const folderOf = (stage: string): string => stage.replaceAll(':', '-')

/** @throws Error when a file of an artifact cannot have this name; names may lead into folders, `onnx/model.onnx`, but never out */
export function requireFileName(name: string): void {
  if (name !== MANIFEST && name.split('/').every((part) => segment.test(part))) return
  throw new Error(
    `a file's name must have letters, digits and . _ - only, with / between folders, and not be ${MANIFEST}; got ${json.describe(name)}`,
  )
}

/** The bytes of a manifest: readable JSON that ends with the hash of what it says. */
export async function encodeManifest(manifest: Manifest): Promise<Uint8Array> {
  const stored = manifest as unknown as JsonObject
  const text = JSON.stringify({ ...stored, sha256: await sha256(canonicalJson(stored)) }, null, 2)
  return new TextEncoder().encode(`${text}\n`)
}

/**
 * Reads a manifest and checks it whole.
 *
 * @throws SchemaError when another version wrote it; Error when it is not what {@link encodeManifest} gave
 */
export async function decodeManifest(bytes: Uint8Array): Promise<Manifest> {
  const { sha256: expected, ...stored } = json.object(json.parse(new TextDecoder().decode(bytes)), MANIFEST)
  // Of every schema, so that a damaged number is not taken for that of another version.
  if ((await sha256(canonicalJson(stored))) !== expected)
    throw new Error(`${MANIFEST} must have the hash that it ends with; it was changed`)
  requireSchema(stored.schema)
  const { stage, key, createdBy, created, files, info, depends, account } = stored
  requireStageName(stage)
  const entries = Object.entries(json.object(files, 'files')).map(([name, entry]) => {
    requireFileName(name)
    return [name, readEntry(entry, name)] as const
  })
  return {
    schema: SCHEMA,
    stage,
    key: json.text(key, 'key', hexadecimal),
    createdBy: json.text(createdBy, 'createdBy', anyText),
    created: json.text(created, 'created', anyText),
    files: Object.fromEntries(entries),
    info: json.object(info, 'info'),
    ...(depends !== undefined && { depends: readDepends(depends) }),
    ...(account !== undefined && { account: readAccount(account, 'account') }),
  }
}

/** What a checkpoint says of itself before its bytes. */
export interface CheckpointHeader {
  readonly schema: typeof SCHEMA
  readonly stage: string
  readonly key: string
  /** Finished steps. */
  readonly step: number
  /** All steps of the stage, where it knows. */
  readonly total?: number
  readonly account?: Account
  readonly bytes: number
  readonly sha256: string
}

const prefix = 'learngene checkpoint '
const lengthDigits = 8

/** Bytes of a checkpoint before those of its header: the format's name, the header's length in decimal and its hash. */
export const CHECKPOINT_PREFIX = prefix.length + lengthDigits + 1 + 64 + 1

/** What stands before a checkpoint's bytes. */
export async function encodeCheckpointHeader(header: CheckpointHeader): Promise<Uint8Array> {
  const text = `${canonicalJson(header as unknown as JsonObject)}\n`
  const { length } = new TextEncoder().encode(text)
  return new TextEncoder().encode(`${prefix}${String(length).padStart(lengthDigits, '0')} ${await sha256(text)}\n${text}`)
}

/** @returns length and hash of the header that follows. @throws Error when this is not the start of a checkpoint */
export function decodeCheckpointPrefix(bytes: Uint8Array): { readonly length: number; readonly sha256: string } {
  const found = new TextDecoder().decode(bytes)
  const [, length, sha256] = new RegExp(`^${prefix}(\\d{${lengthDigits}}) ([0-9a-f]{64})\\n$`).exec(found) ?? []
  if (length === undefined || sha256 === undefined) throw new Error('it must start as a checkpoint does; it does not')
  return { length: Number(length), sha256 }
}

/** @throws SchemaError when another version wrote it; Error when it is no header */
export function decodeCheckpointHeader(bytes: Uint8Array): CheckpointHeader {
  const {
    schema,
    stage,
    key,
    step,
    total,
    account,
    bytes: length,
    sha256,
  } = json.object(json.parse(new TextDecoder().decode(bytes)), 'its header')
  requireSchema(schema)
  requireStageName(stage)
  return {
    schema: SCHEMA,
    stage,
    key: json.text(key, 'key', hexadecimal),
    step: json.integer(step, 'step', 0, Number.MAX_SAFE_INTEGER),
    ...(total !== undefined && { total: json.integer(total, 'total', 0, Number.MAX_SAFE_INTEGER) }),
    ...(account !== undefined && { account: readAccount(account, 'account') }),
    bytes: json.integer(length, 'bytes', 0, Number.MAX_SAFE_INTEGER),
    sha256: json.text(sha256, 'sha256', hexadecimal),
  }
}

function requireSchema(schema: unknown): void {
  if (!Number.isInteger(schema)) throw new Error(`schema must be an integer; got ${json.describe(schema)}`)
  if (schema !== SCHEMA) throw new SchemaError(`it has schema ${schema}, and this version reads schema ${SCHEMA}`)
}

function readEntry(value: unknown, name: string): FileEntry {
  const entry = json.object(value, name)
  return {
    bytes: json.integer(entry.bytes, `${name}: bytes`, 0, Number.MAX_SAFE_INTEGER),
    sha256: json.text(entry.sha256, `${name}: sha256`, hexadecimal),
  }
}

function readDepends(value: unknown): Depends {
  const { settings, needs, fingerprints } = json.object(value, 'depends')
  return { settings: settings ?? null, needs: texts(needs, 'depends.needs'), fingerprints: texts(fingerprints, 'depends.fingerprints') }
}

function texts(value: unknown, name: string): { readonly [key: string]: string } {
  return Object.fromEntries(
    Object.entries(json.object(value, name)).map(([key, each]) => [key, json.text(each, `${name}.${key}`, anyText)]),
  )
}
