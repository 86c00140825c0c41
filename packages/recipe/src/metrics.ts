/** What a stage has to say after a step. */
export interface MetricsLine {
  readonly stage: string
  /** Finished steps, counted from 1. */
  readonly step: number
  readonly values: { readonly [name: string]: number }
}

/** A line as it was kept. */
export interface KeptMetrics extends MetricsLine {
  /** Seconds since 1970. */
  readonly time: number
}

/** Where the numbers of a run go. */
export interface MetricsLog {
  /** Keeps a line, soon. */
  add(line: MetricsLine): void
  /** Resolves when all lines so far are kept. */
  flush(): Promise<void>
  /** Drops what a stage has said after `step`, as it will be said again. */
  rewind(stage: string, step: number): Promise<void>
}
