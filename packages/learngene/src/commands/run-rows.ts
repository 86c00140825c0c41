import type { ProfiledDevice } from '@learngene/bench/latency'
import type { Reporter } from '@learngene/interfaces'
import type { DescendantRow } from '@learngene/recipe/reports'
import type { Measured, MeasuredPath } from '../latency/measure-run.js'

/** A descendant, and in a search by latency its time as the profile composes it. */
export type ChoosableRow = DescendantRow & { readonly latency?: number }

/** A cascade of two of a run's descendants, in the place of one. */
export interface CascadeRow extends Pick<DescendantRow, 'path' | 'macs' | 'parameters' | 'memory' | 'validationAccuracy' | 'testAccuracy'> {
  /** The two descendants' paths. */
  readonly small: string
  readonly large: string
  readonly threshold: number
  /** Share of the validation images that the large descendant answers; `macs` are for it. */
  readonly passedOn: number
  /** The same of the test images, and the mean MACs there. */
  readonly testPassedOn: number
  readonly testMacs: number
  /** Mean of an image in ms as a profile composes it, for the validation images; and of an image that is passed on. */
  readonly latency?: number
  readonly worstLatency?: number
}

/** A path that a run's pool holds beside its descendants. */
export interface FoundRow extends Pick<DescendantRow, 'path' | 'macs' | 'parameters' | 'memory' | 'bytes' | 'validationAccuracy'> {
  /** Of those that are told of: others are not tested. */
  readonly testAccuracy?: number
  /** Where latency plays a part, as the profile composes it. */
  readonly latency?: number
}

/** What a budget chooses from. */
export type RunRow = ChoosableRow | CascadeRow | FoundRow

/** A row that was measured whole, and the latency that it was composed of. */
export type MeasuredRow = MeasuredPath & { readonly composedMs: number }

/** What was composed and measured. */
export interface LatencyOfChoice extends ProfiledDevice {
  /** Where the profile comes from. */
  readonly from: 'measured' | 'stored' | 'file'
  /** How far composed times are from those of whole paths; null where nothing was checked. */
  readonly compositionError: { readonly median: number; readonly largest: number; readonly paths: number } | null
  readonly composedMs: number
  /** The choice measured whole, after it was chosen, in a process of its own; null where the device is not here. */
  readonly fresh: Measured | null
  /** Of a cascade, whose other times are means: an image that is passed on. Null of others. */
  readonly worst: { readonly composedMs: number; readonly fresh: Measured | null } | null
  /** Better ones, best first, whose fresh time breaks the cap. */
  readonly passedOver: readonly MeasuredRow[]
}

/** Who is chosen from, and who hears of it. */
export interface ChoiceContext {
  /** The run's folder. */
  readonly run: string
  readonly report: Reporter
  readonly env: { readonly [name: string]: string | undefined }
  readonly signal?: AbortSignal
}

/** What a row is but for its threshold. */
export const modelOf = (row: RunRow): string => ('small' in row ? `${row.small} ${row.large}` : row.path)

/** A front without cascades that the next one exceeds by its threshold alone. */
export function withoutThresholds(front: readonly RunRow[]): RunRow[] {
  return front.filter((row, i) => !front[i + 1] || modelOf(front[i + 1]!) !== modelOf(row))
}
