import type { ByteSource } from '@learngene/interfaces'
import { type Dtype, dtypes, elementBytes, elementCount, isDtype, isShape } from './elements.js'
import { describe, describeShape, SafetensorsError } from './errors.js'

/** Bytes of the little-endian length that precedes the header. */
export const prefixBytes = 8

/** The header's key that names no tensor. */
export const metadataKey = '__metadata__'

/** The format's limit, which keeps a damaged length from asking for absurd memory. */
const largestHeader = 100_000_000

/** What a file says about itself, checked. */
export interface Header {
  readonly metadata: { readonly [key: string]: string }
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>
}

/**
 * Reads and checks the header of a safetensors file: an 8-byte little-endian length, then JSON of that length, then the tensors' bytes, which
 * must be covered exactly once. Format: https://huggingface.co/docs/safetensors.
 *
 * @param name Names the file in errors.
 * @throws SafetensorsError if any rule of the format is broken.
 */
export async function parseHeader(source: ByteSource, { name }: { name: string }): Promise<Header> {
  const headerBytes = await readHeaderLength(source, name)
  const dataStart = prefixBytes + headerBytes
  const json = parseHeaderJson(await readExactly(source, prefixBytes, dataStart, name), name)
  const file = { name, dataStart, fileEnd: source.byteLength }
  const entries = Object.entries(json)
    .filter(([key]) => key !== metadataKey)
    .map(([tensor, value]) => [tensor, parseTensorEntry(value, tensor, file)] as const)
  return { metadata: parseMetadata(json, name), tensors: orderByPosition(entries, file) }
}

async function readHeaderLength(source: ByteSource, name: string): Promise<number> {
  if (source.byteLength < prefixBytes) {
    throw new SafetensorsError(`${name}: a safetensors file has at least ${prefixBytes} bytes, found ${source.byteLength}`)
  }
  const bytes = await readExactly(source, 0, prefixBytes, name)
  const length = new DataView(bytes.buffer, bytes.byteOffset, prefixBytes).getBigUint64(0, true)
  if (length > largestHeader) {
    const other = await otherFile(source, name)
    if (other !== undefined) throw new SafetensorsError(`${name}: must be a safetensors file, found ${other}`)
    throw new SafetensorsError(
      `${name}: the header must have at most ${largestHeader} bytes, found length ${length}; is this a safetensors file?`,
    )
  }
  const available = source.byteLength - prefixBytes
  if (length > available) {
    throw new SafetensorsError(
      `${name}: the header must fit into the ${available} bytes after its length, found length ${length}; the file is truncated or damaged, fetch or write it again`,
    )
  }
  return Number(length)
}

/** How files begin that stand in the place of a safetensors file, and what to do about each. */
const otherFiles: readonly (readonly [start: string, what: string])[] = [
  ['version https://git-lfs', 'a pointer of Git LFS, which stands for the file: fetch the file itself, with `git lfs pull`'],
  ['<!doctype', 'an HTML page, perhaps of a login or an error: fetch the file itself'],
  ['<html', 'an HTML page, perhaps of a login or an error: fetch the file itself'],
  ['pk\u0003\u0004', "a zip archive, as PyTorch's .bin, .pt and .pth: save the weights with safetensors.torch.save_file"],
  ['\u0080\u0002', "a pickle, as PyTorch's older .bin, .pt and .pth: save the weights with safetensors.torch.save_file"],
  ['\u0089hdf', 'an HDF5 file, as of Keras: save the weights as safetensors'],
  ['gguf', 'a GGUF file: save the weights as safetensors'],
]

async function otherFile(source: ByteSource, name: string): Promise<string | undefined> {
  const bytes = await readExactly(source, 0, Math.min(source.byteLength, 64), name)
  const start = String.fromCharCode(...bytes)
    .trimStart()
    .toLowerCase()
  return otherFiles.find(([known]) => start.startsWith(known))?.[1]
}

function parseMetadata(json: JsonRecord, name: string): { readonly [key: string]: string } {
  if (!Object.hasOwn(json, metadataKey)) return {}
  const metadata = json[metadataKey]
  if (!isRecord(metadata)) throw new SafetensorsError(`${name}: ${metadataKey} must be an object of strings, found ${describe(metadata)}`)
  const wrong = Object.entries(metadata).find(([, value]) => typeof value !== 'string')
  if (wrong) throw new SafetensorsError(`${name}: ${metadataKey} entry ${describe(wrong[0])} must be a string, found ${describe(wrong[1])}`)
  return metadata as { readonly [key: string]: string }
}

/** Bytes in memory as a source. Slices are views, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.byteLength, slice: (start, end) => bytes.subarray(start, end) }
}

/** The bytes start to end of the source; an error where it hands out another number of bytes. */
export async function readExactly(source: ByteSource, start: number, end: number, name: string): Promise<Uint8Array> {
  const bytes = await source.slice(start, end)
  if (bytes.byteLength !== end - start) {
    throw new SafetensorsError(`${name}: reading bytes ${start} to ${end} must give ${end - start} bytes, got ${bytes.byteLength}`)
  }
  return bytes
}

/** One tensor of a file. */
export interface TensorEntry {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** First byte in the file. */
  readonly begin: number
  /** One after the last byte in the file. */
  readonly end: number
}

/** Checks one entry of the header against the format and against the file, whose tensor data lie from `dataStart` to `fileEnd`. */
export function parseTensorEntry(value: unknown, tensor: string, file: { name: string; dataStart: number; fileEnd: number }): TensorEntry {
  const fail = (problem: string): never => {
    throw new SafetensorsError(`${file.name}: tensor ${describe(tensor)}: ${problem}`)
  }
  if (!isRecord(value)) return fail(`its header entry must be an object, found ${describe(value)}`)
  for (const field of ['dtype', 'shape', 'data_offsets']) {
    if (!Object.hasOwn(value, field)) return fail(`its header entry must have dtype, shape and data_offsets, found no ${field}`)
  }
  const { dtype, shape, data_offsets: offsets } = value
  if (!isDtype(dtype)) return fail(`dtype must be one of ${dtypes.join(', ')}, found ${describe(dtype)}`)
  if (!isShape(shape)) return fail(`shape must be a list of whole numbers of at least 0, found ${describe(shape)}`)
  const count = elementCount(shape)
  const bytes = count === undefined ? undefined : count * elementBytes(dtype)
  if (bytes === undefined || !Number.isSafeInteger(bytes)) {
    return fail(`shape must make at most 2^53 - 1 bytes of ${dtype}, found ${describeShape(shape)}`)
  }
  if (!isOffsets(offsets))
    return fail(`data_offsets must be two whole numbers of at least 0, the first not above the second, found ${describe(offsets)}`)
  const available = file.fileEnd - file.dataStart
  if (offsets[1] > available) {
    return fail(
      `data_offsets must end within the ${available} bytes after the header, found ${describeShape(offsets)}; the file is truncated or damaged, fetch or write it again`,
    )
  }
  if (offsets[1] - offsets[0] !== bytes) {
    return fail(
      `${dtype} of shape ${describeShape(shape)} must have ${bytes} bytes, found ${offsets[1] - offsets[0]} in data_offsets ${describeShape(offsets)}`,
    )
  }
  return { dtype, shape, begin: file.dataStart + offsets[0], end: file.dataStart + offsets[1] }
}

function isOffsets(value: unknown): value is [begin: number, end: number] {
  return isShape(value) && value.length === 2 && value[0]! <= value[1]!
}

/**
 * The entries in the order of their bytes.
 *
 * @throws SafetensorsError unless they cover the bytes from `dataStart` to `fileEnd` exactly once.
 */
export function orderByPosition(
  entries: readonly (readonly [tensor: string, entry: TensorEntry])[],
  file: { name: string; dataStart: number; fileEnd: number },
): Map<string, TensorEntry> {
  const ordered = entries.toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let previous: string | undefined
  let position = file.dataStart
  for (const [tensor, { begin, end }] of ordered) {
    if (begin < position) {
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(tensor)}: must not overlap ${describe(previous)}, which ends at byte ${position}, found begin ${begin}`,
      )
    }
    if (begin > position) {
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(tensor)}: must begin where ${previous === undefined ? 'the header' : describe(previous)} ends, at byte ${position}, found begin ${begin}: a hole of ${begin - position} bytes`,
      )
    }
    previous = tensor
    position = end
  }
  if (position !== file.fileEnd) {
    throw new SafetensorsError(
      `${file.name}: the file must end at byte ${position}, after ${previous === undefined ? 'the header' : `tensor ${describe(previous)}`}, found ${file.fileEnd - position} bytes more`,
    )
  }
  return new Map(ordered)
}

/** A JSON object whose values are not looked at yet. */
type JsonRecord = { readonly [key: string]: unknown }

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The header's bytes as an object: UTF-8 JSON that begins with `{` and has no key twice. */
export function parseHeaderJson(bytes: Uint8Array, name: string): JsonRecord {
  const text = decodeUtf8(bytes, name)
  if (!text.startsWith('{')) {
    throw new SafetensorsError(`${name}: the header must be a JSON object and begin with "{", found ${describe(text.slice(0, 20))}`)
  }
  const header = parseJson(text, name)
  const key = duplicateKey(text)
  if (key !== undefined) throw new SafetensorsError(`${name}: a key of the header must occur once, found ${describe(key)} twice`)
  return header
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SafetensorsError(`${name}: the header must be valid UTF-8, its ${bytes.length} bytes are not`)
  }
}

function parseJson(text: string, name: string): JsonRecord {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SafetensorsError(`${name}: the header must be valid JSON: ${(error as Error).message}`)
  }
}

/**
 * The first key that an object of the JSON text holds twice, or undefined. `JSON.parse` silently keeps the last one.
 *
 * @param json Valid JSON.
 */
export function duplicateKey(json: string): string | undefined {
  // Keys seen so far, for each open object; undefined for each open array.
  const open: (Set<string> | undefined)[] = []
  let keyNext = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (character === '"') {
      const end = stringEnd(json, i)
      if (keyNext) {
        const key: string = JSON.parse(json.slice(i, end))
        const keys = open.at(-1)!
        if (keys.has(key)) return key
        keys.add(key)
        keyNext = false
      }
      i = end - 1
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      keyNext = character === '{'
    } else if (character === '}' || character === ']') {
      open.pop()
      keyNext = false
    } else if (character === ',') {
      keyNext = open.at(-1) !== undefined
    }
  }
  return undefined
}

/** The index after the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let i = start + 1
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}
