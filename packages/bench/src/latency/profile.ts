import type { BackendName } from '@learngene/backends'
import { type Cascade, sharedFront } from '@learngene/stitch'
import { type Network, requireArguments } from '@learngene/vit-blocks'
import { type Part, partsOf } from './parts.js'

/** A time in ms. */
export interface Timing {
  /** Of which times are composed: evened over rounds, see `evenRounds` (first deciles in profiles of earlier versions). */
  readonly ms: number
  readonly median: number
  /** In which the median lies with 95 % certainty, by bootstrap. */
  readonly interval: readonly [number, number]
}

/** What a profile was measured on. */
export interface ProfiledDevice {
  readonly backend: BackendName
  /** Of the backend's package or library. */
  readonly version: string
  /** The device's own name: of the GPU, or of the processor. */
  readonly device: string
  /** Images per call. */
  readonly batch: number
}

/** A whole network's composed and measured time, the latter evened over rounds. */
export interface CheckedNetwork {
  /** Of the network, for example its path. */
  readonly name: string
  readonly composedMs: number
  readonly measuredMs: number
}

/** What the parts of networks take on one device, from which the times of networks are composed. A value of JSON. */
export interface LatencyProfile extends ProfiledDevice {
  readonly schema: 1
  /** By kind and size, see `partsOf`. */
  readonly parts: { readonly [key: string]: Timing }
  /** Of a result of a network's size; each part's time is without it, a network has it once. */
  readonly readBack: Timing
  /** What a whole network takes beside its parts and the reading of its result, in ms: calls, and weights that are not in a cache. Fitted to whole networks. */
  readonly overheadMs: number
  /** What the parts' times are multiplied by in a network, fitted likewise; 1 where nothing speaks for another, and in profiles of earlier versions. */
  readonly factor?: number
  /** Whole networks that the overhead was not fitted to; none where there were too few networks. */
  readonly checked: readonly CheckedNetwork[]
  /** All whole networks that were timed beside the parts; profiles of earlier versions do not tell. */
  readonly whole?: readonly WholeTiming[]
}

/** What a whole network took. */
export interface WholeTiming extends Timing {
  /** Of the network, for example its path. */
  readonly name: string
}

/** Of a list, by absolute value, as shares. */
export interface CompositionError {
  readonly median: number
  readonly largest: number
}

/**
 * The time of a network in ms by a profile: its parts and the reading of its result, by the factor, and the overhead.
 *
 * @throws where the profile lacks one of its parts
 */
export function composeLatency(profile: LatencyProfile, network: Network): number {
  requireArguments('composeLatency', { profile: ['object', profile], network: ['network', network] })
  return wholeOf(profile, sumOfParts(profile, network))
}

/**
 * Times of a cascade by a profile of batch 1, in ms: of an image that the small network answers, and of one that the large one answers too, which goes on from where the two part. On average
 * an image takes `alone + share passed on x (both - alone)`.
 *
 * @throws where the profile is of another batch, of which any number may be passed on, or lacks a part
 */
export function composeCascade(
  profile: LatencyProfile,
  { small, large }: Pick<Cascade, 'small' | 'large'>,
): { readonly alone: number; readonly both: number } {
  if (profile.batch !== 1)
    throw new Error(
      `composeCascade: the latency of a cascade is that of one image, so the profile must be of batch 1; got ${profile.batch}`,
    )
  const alone = composeLatency(profile, small)
  // The embedding and the blocks that both begin with.
  const added = partsOf(large).slice(sharedFront(small, large) + 1)
  return { alone, both: alone + wholeOf(profile, timeOf(profile, added)) }
}

/** A whole run of parts that take so long. */
export const wholeOf = ({ overheadMs, factor = 1 }: Pick<LatencyProfile, 'overheadMs' | 'factor'>, partsMs: number): number =>
  overheadMs + factor * partsMs

/** Without the overhead. */
export const sumOfParts = (profile: Omit<LatencyProfile, 'overheadMs'>, network: Network): number => timeOf(profile, partsOf(network))

/** Of some parts, and the reading of the result. */
function timeOf({ parts, readBack, ...device }: Omit<LatencyProfile, 'overheadMs'>, some: readonly Part[]): number {
  return some.reduce((sum, { key }) => {
    const part = Object.hasOwn(parts, key) ? parts[key] : undefined
    if (!part)
      throw new Error(`the latency profile of ${deviceText(device)} must have the part '${key}'; it does not: profile a pool that has it`)
    return sum + part.ms
  }, readBack.ms)
}

/** `wasm 4.22.0, Intel(R) Xeon(R) Processor, batch 1` */
export function deviceText({ backend, version, device, batch }: ProfiledDevice): string {
  return `${backend} ${version}, ${device}, batch ${batch}`
}

/** How far composed times are from measured ones; undefined where nothing was checked. */
export function compositionError(checked: readonly CheckedNetwork[]): CompositionError | undefined {
  if (checked.length === 0) return undefined
  const errors = checked.map(({ composedMs, measuredMs }) => Math.abs(composedMs - measuredMs) / measuredMs).sort((a, b) => a - b)
  return {
    median: (errors[Math.floor((errors.length - 1) / 2)]! + errors[Math.ceil((errors.length - 1) / 2)]!) / 2,
    largest: errors.at(-1)!,
  }
}

/**
 * Reads a profile from JSON.
 *
 * @param name what messages call it, for example its file
 * @throws Error naming the first value that a profile cannot have
 */
export function parseProfile(text: string, name = 'the latency profile'): LatencyProfile {
  let value: LatencyProfile
  try {
    // Editors of Windows begin files with a byte order mark.
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new Error(`${name} must be JSON, as learngene profile writes it: ${(error as Error).message}`)
  }
  const rule = (key: string, must: string, got: unknown) => new Error(`${name}: ${key} must be ${must}; got ${JSON.stringify(got)}`)
  if (typeof value !== 'object' || value === null || value.schema !== 1)
    throw rule('schema', '1, as learngene profile writes it', value?.schema)
  for (const key of ['backend', 'version', 'device'] as const) {
    if (typeof value[key] !== 'string') throw rule(key, 'a text', value[key])
  }
  if (!Number.isSafeInteger(value.batch) || value.batch < 1) throw rule('batch', 'an integer of at least 1', value.batch)
  if (!Number.isFinite(value.overheadMs)) throw rule('overheadMs', 'a number', value.overheadMs)
  if (value.factor !== undefined && !(Number.isFinite(value.factor) && value.factor > 0))
    throw rule('factor', 'a number above 0', value.factor)
  if (typeof value.parts !== 'object' || value.parts === null) throw rule('parts', 'an object', value.parts)
  if (value.whole !== undefined && !(Array.isArray(value.whole) && value.whole.every((each) => typeof each?.name === 'string')))
    throw rule('whole', 'a list of networks with names', value.whole)
  const whole = (value.whole ?? []).map((each) => [each.name, each] as const)
  for (const [key, timing] of [['readBack', value.readBack] as const, ...Object.entries(value.parts), ...whole]) {
    const { ms, median, interval } = timing ?? {}
    if (!isTime(ms)) throw rule(`${key}: ms`, 'a number of at least 0', ms)
    if (!isTime(median)) throw rule(`${key}: median`, 'a number of at least 0', median)
    if (!Array.isArray(interval) || interval.length !== 2 || !interval.every(isTime))
      throw rule(`${key}: interval`, 'two numbers', interval)
  }
  const isChecked = (each: Partial<CheckedNetwork> | null) =>
    typeof each?.name === 'string' && isTime(each.composedMs) && isTime(each.measuredMs) && each.measuredMs > 0
  if (!Array.isArray(value.checked) || !value.checked.every(isChecked))
    throw rule('checked', 'a list of networks with composedMs and measuredMs', value.checked)
  return value
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
