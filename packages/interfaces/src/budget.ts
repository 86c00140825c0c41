/**
 * A conjunction of hard caps by measure name: every named measure of a candidate must be at most its cap.
 * The measures of this project are `macs`, `parameters`, `memory` (bytes), `bytes` (on disk) and `latency` (milliseconds, measured by the caller);
 * any other measure that candidates carry works as well.
 */
export type Budget = { readonly [measure: string]: number | undefined }

/** One cap of a budget. */
export interface Constraint {
  readonly measure: string
  readonly cap: number
}
