import { json, requireArguments } from '@learngene/vit-blocks'

/** A tier as paths see it: its name, its width D and how many blocks it has. */
export interface TierShape {
  readonly name: string
  readonly width: number
  readonly depth: number
  /** By block, ascending, the ancestor's block that it stands for, where that is known. */
  readonly standsFor?: readonly number[]
}

const deitNames: { readonly [width: number]: string } = { 192: 'ti', 384: 'sm', 768: 'ba' }

/** A name for a tier: the widths of DeiT give `ti9`, `sm9`, `ba9` at depth 9, any other width gives `w256d9`. */
export function defaultTierName(width: number, depth: number): string {
  const size = deitNames[width]
  return size ? `${size}${depth}` : `w${width}d${depth}`
}

/** Whether a text may name a tier: a letter, then letters, digits, `_`, `.` or `-`, at most 200 characters, so that a file can have the name. */
export function isTierName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,199}$/.test(text)
}

/**
 * Checks what every path space asks of its tiers.
 *
 * @throws if there is no tier, a name is malformed or given twice, a width or depth is not a positive integer, `standsFor` is not ascending or of another length, or widths do not ascend
 * (equal widths may follow each other).
 */
export function checkTiers(tiers: readonly TierShape[]): void {
  requireArguments('path space', { tiers: ['object[]', tiers] })
  if (tiers.length === 0) throw new Error('a path space needs at least one tier, got none')
  const names = new Set<string>()
  for (const [index, { name, width, depth, standsFor }] of tiers.entries()) {
    if (!isTierName(name)) {
      throw new Error(`tier ${index}: a tier name starts with a letter, then letters, digits, "_", "." or "-", got ${JSON.stringify(name)}`)
    }
    if (names.has(name)) throw new Error(`tier names must be unique, got ${name} twice; give one of the two tiers another name`)
    names.add(name)
    for (const [measure, value] of Object.entries({ width, depth })) {
      if (!Number.isSafeInteger(value) || value < 1)
        throw new Error(`tier ${name}: its ${measure} must be an integer of at least 1, got ${value}`)
    }
    if (
      standsFor &&
      !(standsFor.length === depth && standsFor.every((block, i) => Number.isSafeInteger(block) && block > (standsFor[i - 1] ?? -1)))
    ) {
      throw new Error(
        `tier ${name}: standsFor must be ascending ancestor blocks, one for each of its ${depth} blocks, got [${standsFor.join(', ')}]`,
      )
    }
    const before = tiers[index - 1]
    if (before && before.width > width) {
      throw new Error(
        `tiers must ascend by width, got ${name} of width ${width} after ${before.name} of width ${before.width}; sort them by width`,
      )
    }
  }
}

/** Which tiers are stitched: each to the next one only (`nearest`), or to every later one (`all`). */
export type TierPairs = 'nearest' | 'all'

/** (front, back) of every stitched pair, front ascending, then back ascending. */
export function* tierPairs(tiers: readonly TierShape[], pairs: TierPairs): Generator<readonly [front: TierShape, back: TierShape]> {
  if (pairs !== 'nearest' && pairs !== 'all') throw new Error(`pairs must be "nearest" or "all", got ${JSON.stringify(pairs)}`)
  for (const [index, front] of tiers.entries()) {
    for (const back of tiers.slice(index + 1, pairs === 'nearest' ? index + 2 : undefined)) yield [front, back]
  }
}

/** One way through a stitch: leave the front tier after block `j`, go on with block `m` of the back tier. */
export interface BlockPair {
  readonly j: number
  readonly m: number
}

/** One stitch (one matrix) and all block pairs that share it, in the order of enumeration. */
export interface StitchSlot {
  /** `ti9>ba9#3`: the front tier, the back tier, the number of the window. */
  readonly id: string
  readonly fromTier: string
  readonly toTier: string
  readonly pairs: readonly BlockPair[]
}

/**
 * A stitch from one tier to another.
 *
 * @param window its number among the stitches of the two
 */
export function stitchSlot(from: TierShape, to: TierShape, window: number, pairs: readonly BlockPair[]): StitchSlot {
  return { id: `${from.name}>${to.name}#${window}`, fromTier: from.name, toTier: to.name, pairs }
}

/** @throws where a slot joins tiers or blocks that are not there, or two of them have one name or one block pair */
export function checkSlots(slots: readonly StitchSlot[], tiers: readonly TierShape[]): void {
  requireArguments('path space', { slots: ['object[]', slots] })
  const depths = new Map(tiers.map(({ name, depth }) => [name, depth]))
  const seen = new Set<string>()
  const once = (what: string) => {
    if (seen.has(what))
      throw new Error(`path space: ${what} must stand in one slot; it stands in two, and a path would not tell its stitch`)
    seen.add(what)
  }
  for (const { id, fromTier, toTier, pairs } of slots) {
    once(`the stitch ${id}`)
    for (const tier of [fromTier, toTier]) {
      if (!depths.has(tier)) {
        throw new Error(
          `path space: the stitch ${id} must join two of the tiers ${[...depths.keys()].join(', ')}; got ${json.describe(tier)}`,
        )
      }
    }
    for (const { j, m } of pairs) {
      once(`the switch from block ${j} of ${fromTier} to block ${m} of ${toTier}`)
      for (const [tier, block] of [
        [fromTier, j],
        [toTier, m],
      ] as const) {
        if (Number.isInteger(block) && block >= 0 && block < depths.get(tier)!) continue
        throw new Error(`path space: the stitch ${id} must join blocks that are there; ${tier} has ${depths.get(tier)}, got block ${block}`)
      }
    }
  }
}
