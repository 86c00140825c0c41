import { referenceBytes } from '../safetensors/testing/reference.js'

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
}

export interface ReferenceChanges {
  /** Changes a tensor's values in place. */
  readonly values?: (name: string, data: Float32Array | Int32Array) => void
  /** Another header entry with as many bytes, or none, which drops the tensor; the entry itself keeps it. */
  readonly entry?: (name: string, entry: Entry) => Entry | undefined
  readonly metadata?: (metadata: { [key: string]: string }) => { [key: string]: string }
}

/** PyTorch's reference file with something changed, otherwise a good file. */
export function changedReference({ values, entry: changeEntry, metadata }: ReferenceChanges): Uint8Array {
  const bytes = new Uint8Array(referenceBytes('timm-vit-golden'))
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const { __metadata__, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)))
  const header: { [key: string]: unknown } = { __metadata__: metadata ? metadata(__metadata__) : __metadata__ }
  const parts: Uint8Array[] = []
  let end = 0
  for (const [name, { data_offsets: offsets, ...entry }] of Object.entries(entries) as [string, Entry & { data_offsets: number[] }][]) {
    const changed = changeEntry ? changeEntry(name, entry) : entry
    if (!changed) continue
    const part = bytes.slice(8 + headerBytes + offsets[0]!, 8 + headerBytes + offsets[1]!)
    values?.(name, entry.dtype === 'I32' ? new Int32Array(part.buffer) : new Float32Array(part.buffer))
    header[name] = { ...changed, data_offsets: [end, end + part.length] }
    end += part.length
    parts.push(part)
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true)
  return new Uint8Array(Buffer.concat([length, json, ...parts]))
}
