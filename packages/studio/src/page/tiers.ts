import { manifest } from './state.js'

/** A tier's place on the ramp of colours, for the class `tier`. */
export const tierStyle = (index: number, count: number) => ({ '--t': String(count > 1 ? index / (count - 1) : 1) })

/** The same by name. */
export function styleOf(name: string) {
  const tiers = manifest.value?.tiers ?? []
  return tierStyle(
    tiers.findIndex((tier) => tier.name === name),
    tiers.length,
  )
}

export interface PathPart {
  readonly kind: 'block' | 'stitch'
  /** Index in the network's list of blocks, stitches counted. */
  readonly index: number
  /** The tier, of a stitch the one that it leads to. */
  readonly tier: string
  readonly from?: string
  readonly width: number
  readonly fromWidth: number
  /** The block's number in its tier. */
  readonly block?: number
}

/** The blocks of a path with the stitches between them, in order. */
export function partsOf(path: string): PathPart[] {
  const tiers = manifest.value?.tiers ?? []
  const widthOf = (name: string) => tiers.find((tier) => tier.name === name)?.structure.embeddingWidth ?? 0
  const parts: PathPart[] = []
  let before: string | undefined
  for (const segment of path.split('>')) {
    const [, tier = '', first = '0', last = '0'] = /^(.*)\[(\d+)-(\d+)\]$/.exec(segment) ?? []
    const width = widthOf(tier)
    if (before !== undefined) parts.push({ kind: 'stitch', index: parts.length, tier, from: before, width, fromWidth: widthOf(before) })
    for (let block = Number(first); block <= Number(last); block++) {
      parts.push({ kind: 'block', index: parts.length, tier, width, fromWidth: width, block })
    }
    before = tier
  }
  return parts
}

/** How high a width is drawn, of the widest: by its root, so that narrow ones can be seen. */
export function heightOf(width: number): number {
  const widest = Math.max(...(manifest.value?.tiers ?? []).map(({ structure }) => structure.embeddingWidth), 1)
  return Math.sqrt(width / widest)
}
