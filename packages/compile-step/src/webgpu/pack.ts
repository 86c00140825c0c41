/** Where a piece of content lies. */
export interface Place {
  readonly block: number
  readonly offset: number
}

/** Contents packed into blocks, each content once. */
export interface Packed {
  readonly blocks: readonly Uint8Array<ArrayBuffer>[]
  readonly places: ReadonlyMap<Uint8Array, Place>
}

/** Packs small contents into blocks of at most `blockSize` bytes, each at a multiple of `alignment`. */
export function pack(contents: Iterable<Uint8Array>, blockSize: number, alignment: number): Packed {
  const blocks: { bytes: Uint8Array<ArrayBuffer>; used: number }[] = []
  const places = new Map<Uint8Array, Place>()
  for (const [content, same] of groupByContent(contents)) {
    let block = blocks.at(-1)
    let offset = block ? Math.ceil(block.used / alignment) * alignment : 0
    if (!block || offset + content.length > blockSize) {
      block = { bytes: new Uint8Array(blockSize), used: 0 }
      blocks.push(block)
      offset = 0
    }
    block.bytes.set(content, offset)
    block.used = offset + content.length
    for (const each of same) places.set(each, { block: blocks.length - 1, offset })
  }
  return { blocks: blocks.map(({ bytes, used }) => bytes.slice(0, Math.ceil(used / 4) * 4)), places }
}

/** Groups arrays of equal bytes; the key of a group is its first. */
export function groupByContent(contents: Iterable<Uint8Array>): Map<Uint8Array, Uint8Array[]> {
  const groups = new Map<Uint8Array, Uint8Array[]>()
  const byHash = new Map<number, Uint8Array[]>()
  for (const content of new Set(contents)) {
    const hash = hashOf(content)
    const candidates = byHash.get(hash) ?? []
    const same = candidates.find((candidate) => equalBytes(candidate, content))
    if (same) {
      groups.get(same)!.push(content)
    } else {
      byHash.set(hash, [...candidates, content])
      groups.set(content, [content])
    }
  }
  return groups
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** FNV-1a of the length and at most 4096 bytes: enough to tell most contents apart. */
function hashOf(content: Uint8Array): number {
  let hash = 0x811c9dc5 ^ content.length
  const end = Math.min(content.length, 4096)
  for (let i = 0; i < end; i++) hash = Math.imul(hash ^ content[i]!, 0x01000193)
  return hash >>> 0
}
