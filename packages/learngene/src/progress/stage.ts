import type { ReportEvent, Reporter } from '@learngene/interfaces'

/** Shows progress until it is closed. */
export interface ProgressReporter {
  readonly report: Reporter
  /** Ends the last stage. @param completed whether it came to its end (default) or was cut off */
  close(completed?: boolean): void
}

type Metrics = { readonly [name: string]: number }

/** One stage of a computation as its reports tell it. Times are seconds since an origin that the caller chooses. */
export interface Stage {
  readonly name: string
  readonly started: number
  /** When the running count began; a stage may count several times. */
  readonly countStarted: number
  /** What was done when it began: by an earlier run, or all at once. */
  readonly countFrom: number
  readonly done: number
  readonly total: number
  readonly metrics: Metrics
}

export function startStage({ name, total = 0, done = 0 }: Extract<ReportEvent, { kind: 'stage' }>, now: number): Stage {
  return { name, started: now, countStarted: now, countFrom: done, done, total, metrics: {} }
}

export function advance(stage: Stage, { done, total, metrics }: Extract<ReportEvent, { kind: 'progress' }>, now: number): Stage {
  const count = done < stage.done ? { countStarted: now, countFrom: done } : {}
  return { ...stage, ...count, done, total, metrics: metrics ?? stage.metrics }
}

/** Seconds that the running count will still take at its mean speed so far; undefined before it has got on. */
export function remaining({ countStarted, countFrom, done, total }: Stage, now: number): number | undefined {
  if (done <= countFrom || total <= 0) return undefined
  return ((now - countStarted) / (done - countFrom)) * (total - done)
}

/** `, loss 0.4321` or nothing. */
export function metricsText(metrics: Metrics): string {
  return Object.entries(metrics)
    .map(([name, value]) => `, ${name} ${Number(value.toPrecision(4))}`)
    .join('')
}
