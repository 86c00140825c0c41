import type { ByteSource, JsonObject } from '@learngene/interfaces'
import { describe } from '@learngene/vit-blocks'
import type { Account } from './account.js'
import { canonicalJson, sha256 } from './canonical-json.js'
import {
  CHECKPOINT_PREFIX,
  type CheckpointHeader,
  type Depends,
  decodeCheckpointHeader,
  decodeCheckpointPrefix,
  decodeManifest,
  encodeCheckpointHeader,
  encodeManifest,
  type FileEntry,
  folderOf,
  type Manifest,
  requireFileName,
  requireStageName,
  SCHEMA,
  SchemaError,
} from './manifest.js'
import { version } from './version.js'

/** The key of every stage, by name. */
export type StageKeys = { readonly [stage: string]: string }

/** Files by name. A name may lead into folders: `onnx/model.onnx`. */
export type Files = { readonly [name: string]: Uint8Array }

/** What a stage has made, as it stands in a store. */
export interface Artifact {
  readonly stage: string
  readonly manifest: Manifest
  /** The stage's own words about it: `manifest.info`. */
  readonly info: JsonObject
  /**
   * A file as a source, opened now and read when asked. @throws Error of one line where there is no such file any more, or of another
   * length
   */
  source(file: string): Promise<ByteSource>
  /** A file whole; its hash is checked where it has at most 16 MiB. @throws Error of one line when it is not what was written */
  read(file: string): Promise<Uint8Array>
  /** Checks the hashes of all files. @throws Error of one line naming the first file that is not what was written */
  verify(): Promise<void>
}

/** What was looked for. Damaged: half-written or changed since; it counts as absent, and `problem` says in one line what is wrong. */
export type Found<T> =
  | { readonly state: 'whole'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly problem: string }

/** A checkpoint of a stage in the making. */
export interface Checkpoint extends CheckpointHeader {
  readonly content: Uint8Array
}

/** How an artifact came about, for its manifest. */
export interface Made {
  readonly depends?: Depends
  readonly account?: Account
}

/**
 * Where the artifacts of a run are. One process writes at a time (`lockRun` of `@learngene/recipe/node`); any number may read. All methods
 * reject with errors of one line.
 */
export interface ArtifactStore {
  /** What messages call it: the folder's path. */
  readonly name: string
  /**
   * Looks for a stage's artifact; checks its manifest whole and the lengths of its files.
   *
   * @throws SchemaError when another version wrote it
   */
  find(stage: string): Promise<Found<Artifact>>
  /** The artifact of a stage. @throws Error when it is absent or damaged */
  read(stage: string): Promise<Artifact>
  /** Writes an artifact, whole or not at all, in the place of an earlier one, and removes the stage's checkpoint. */
  write(stage: string, key: string, files: Files, info: JsonObject, made?: Made): Promise<void>
  /** Removes a stage's artifact and its checkpoint. */
  remove(stage: string): Promise<void>
  /** All artifacts that are whole, by the names of their stages. */
  list(): Promise<readonly Artifact[]>
  /** Keeps the state of a stage in the making after `step` of `total` steps, whole or not at all, in the place of an earlier one. */
  saveCheckpoint(
    stage: string,
    key: string,
    content: Uint8Array,
    at: { readonly step: number; readonly total?: number; readonly account?: Account },
  ): Promise<void>
  /** A stage's checkpoint with this key, its hash checked. */
  loadCheckpoint(stage: string, key: string): Promise<Found<Checkpoint>>
  /** What a stage's checkpoint says of itself, whatever its key; its bytes are not read. */
  findCheckpoint(stage: string): Promise<Found<CheckpointHeader>>
  removeCheckpoint(stage: string): Promise<void>
}

/** What a kind of store must be able to: folders of files and single files, by names that are safe everywhere. */
export interface Shelf {
  readonly name: string
  /** Folders that may hold artifacts. */
  folders(): Promise<readonly string[]>
  /** The bytes of a folder's manifest, undefined where there is none. */
  manifest(folder: string): Promise<Uint8Array | undefined>
  /** A file that a folder's manifest lists, undefined where it is missing. */
  file(folder: string, name: string, entry: FileEntry): Promise<ByteSource | undefined>
  /** Puts a folder in its place as a whole or not at all. */
  put(folder: string, files: Files, manifest: Manifest, encoded: Uint8Array): Promise<void>
  remove(folder: string): Promise<void>
  checkpoint(folder: string): Promise<ByteSource | undefined>
  /** Puts a checkpoint, in parts, in its place as a whole or not at all. */
  putCheckpoint(folder: string, parts: readonly Uint8Array[]): Promise<void>
  removeCheckpoint(folder: string): Promise<void>
}

const hashedOnRead = 16 * 2 ** 20

/** The store of all kinds: what is read is checked here, once. */
export function createStore(shelf: Shelf): ArtifactStore {
  async function find(stage: string): Promise<Found<Artifact>> {
    requireStageName(stage)
    const found = await findIn(folderOf(stage))
    if (found.state !== 'whole' || found.value.stage === stage) return found
    return damaged(shelf, folderOf(stage), `it must be the artifact of '${stage}'; it is that of '${found.value.stage}'`)
  }

  async function findIn(folder: string): Promise<Found<Artifact>> {
    const encoded = await shelf.manifest(folder)
    if (!encoded) return { state: 'absent' }
    try {
      const manifest = await decodeManifest(encoded)
      const artifact = artifactOf(shelf, folder, manifest)
      for (const file of Object.keys(manifest.files)) await artifact.source(file)
      return { state: 'whole', value: artifact }
    } catch (error) {
      return damaged(shelf, folder, error)
    }
  }

  async function findCheckpoint(stage: string): Promise<Found<CheckpointHeader & { readonly source: ByteSource; readonly start: number }>> {
    requireStageName(stage)
    const source = await shelf.checkpoint(folderOf(stage))
    if (!source) return { state: 'absent' }
    try {
      const { length, sha256: expected } = decodeCheckpointPrefix(await source.slice(0, Math.min(CHECKPOINT_PREFIX, source.byteLength)))
      const start = CHECKPOINT_PREFIX + length
      const encoded = await source.slice(CHECKPOINT_PREFIX, Math.min(start, source.byteLength))
      if ((await sha256(encoded)) !== expected) throw new Error('its header must have the hash that stands before it; it was changed')
      const header = decodeCheckpointHeader(encoded)
      if (header.stage !== stage) throw new Error(`it must be of '${stage}'; it is of '${header.stage}'`)
      const found = source.byteLength - start
      if (found !== header.bytes) throw new Error(`it must hold ${header.bytes} bytes after its header; it holds ${found}`)
      return { state: 'whole', value: { ...header, source, start } }
    } catch (error) {
      return damaged(shelf, `checkpoint of '${stage}'`, error)
    }
  }

  return {
    name: shelf.name,
    find,
    async read(stage) {
      const found = await find(stage)
      if (found.state === 'whole') return found.value
      if (found.state === 'damaged') throw new Error(`${found.problem}; run stage '${stage}' again`)
      throw new Error(`${shelf.name}: there is no artifact of '${stage}'; run that stage first`)
    },
    async write(stage, key, files, info, made = {}) {
      requireStageName(stage)
      const entries: { [name: string]: FileEntry } = {}
      for (const [name, bytes] of Object.entries(files)) {
        requireFileName(name)
        if (!(bytes instanceof Uint8Array)) throw new Error(`${stage}/${name} must be a Uint8Array; got ${describe(bytes)}`)
        entries[name] = { bytes: bytes.length, sha256: await sha256(bytes) }
      }
      requireDistinct(stage, Object.keys(files))
      const said = { schema: SCHEMA, stage, key, createdBy: `@learngene/recipe ${version}`, created: new Date().toISOString() }
      const manifest = plain({ ...said, files: entries, info, ...made }) as unknown as Manifest
      const encoded = await encodeManifest(manifest)
      // What is written is read again.
      await decodeManifest(encoded)
      await shelf.put(folderOf(stage), files, manifest, encoded)
      await shelf.removeCheckpoint(folderOf(stage))
    },
    async remove(stage) {
      requireStageName(stage)
      await shelf.remove(folderOf(stage))
      await shelf.removeCheckpoint(folderOf(stage))
    },
    async list() {
      const artifacts: Artifact[] = []
      for (const folder of [...(await shelf.folders())].sort()) {
        const found = await findIn(folder)
        if (found.state === 'whole' && folderOf(found.value.stage) === folder) artifacts.push(found.value)
      }
      return artifacts
    },
    async saveCheckpoint(stage, key, content, { step, total, account }) {
      requireStageName(stage)
      if (!(content instanceof Uint8Array)) throw new Error(`the checkpoint of '${stage}' must be a Uint8Array; got ${describe(content)}`)
      const digest = await sha256(content)
      const header = plain({ schema: SCHEMA, stage, key, step, total, account, bytes: content.length, sha256: digest })
      const encoded = await encodeCheckpointHeader(header as unknown as CheckpointHeader)
      decodeCheckpointHeader(encoded.subarray(CHECKPOINT_PREFIX))
      await shelf.putCheckpoint(folderOf(stage), [encoded, content])
    },
    async loadCheckpoint(stage, key) {
      const found = await findCheckpoint(stage)
      if (found.state !== 'whole') return found
      const { source, start, ...header } = found.value
      if (header.key !== key) return { state: 'absent' }
      const content = await source.slice(start, source.byteLength)
      if ((await sha256(content)) === header.sha256) return { state: 'whole', value: { ...header, content } }
      return damaged(shelf, `checkpoint of '${stage}'`, 'it must have the hash that its header says; it was changed')
    },
    async findCheckpoint(stage) {
      const found = await findCheckpoint(stage)
      if (found.state !== 'whole') return found
      const { source: _, start: __, ...header } = found.value
      return { state: 'whole', value: header }
    },
    async removeCheckpoint(stage) {
      requireStageName(stage)
      await shelf.removeCheckpoint(folderOf(stage))
    },
  }
}

function artifactOf(shelf: Shelf, folder: string, manifest: Manifest): Artifact {
  const where = `${shelf.name}/${folder}`
  async function source(file: string): Promise<ByteSource> {
    const entry = Object.hasOwn(manifest.files, file) ? manifest.files[file]! : undefined
    if (!entry) throw new Error(`${where} has no file '${file}'; it has ${Object.keys(manifest.files).join(', ') || 'none'}`)
    const found = await shelf.file(folder, file, entry)
    if (!found) throw new Error(`${where}/${file} is missing`)
    if (found.byteLength === entry.bytes) return found
    throw new Error(`${where}/${file} must have ${entry.bytes} bytes; it has ${found.byteLength}`)
  }
  async function hashed(file: string): Promise<Uint8Array> {
    const opened = await source(file)
    const bytes = await opened.slice(0, opened.byteLength)
    if ((await sha256(bytes)) === manifest.files[file]!.sha256) return bytes
    throw new Error(`${where}/${file} must have the hash that the manifest says; it was changed`)
  }
  return {
    stage: manifest.stage,
    manifest,
    info: manifest.info,
    source,
    async read(file) {
      const opened = await source(file)
      return opened.byteLength > hashedOnRead ? opened.slice(0, opened.byteLength) : hashed(file)
    },
    async verify() {
      for (const file of Object.keys(manifest.files)) await hashed(file)
    },
  }
}

/** @throws SchemaError when that is why */
function damaged(shelf: Shelf, what: string, reason: unknown): { readonly state: 'damaged'; readonly problem: string } {
  if (reason instanceof SchemaError) {
    throw new SchemaError(`${shelf.name}: ${what}: ${reason.message}; use the version that wrote it, or another folder`)
  }
  const text = reason instanceof Error ? reason.message : String(reason)
  return { state: 'damaged', problem: `${shelf.name}: ${what} is damaged and counts as absent: ${text}` }
}

/** A copy without what is undefined. @throws Error where it is no JSON */
function plain(value: object): JsonObject {
  canonicalJson(value as JsonObject)
  return JSON.parse(JSON.stringify(value))
}

/** Two names that differ in case only are one file on some disks; a file cannot be a folder too. */
function requireDistinct(stage: string, names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) throw new Error(`${stage}: files must have names that differ in more than case; got '${other}' and '${name}'`)
    seen.set(name.toLowerCase(), name)
  }
  for (const [lower, name] of seen) {
    const inside = [...seen.keys()].find((other) => other.startsWith(`${lower}/`))
    if (inside !== undefined) throw new Error(`${stage}: '${name}' cannot be a file and the folder of '${seen.get(inside)}'`)
  }
}
