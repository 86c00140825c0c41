import type { ByteSource } from '@learngene/interfaces'
import { readExactly } from './bytes-source.js'
import { describe } from './describe.js'
import { isRecord, type JsonRecord, parseHeaderJson } from './header-json.js'
import { orderByPosition } from './layout.js'
import { SafetensorsError } from './safetensors-error.js'
import { parseTensorEntry, type TensorEntry } from './tensor-entry.js'

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
