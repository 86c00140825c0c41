import type { JsonObject } from '@learngene/interfaces'
import { describe, json } from '@learngene/vit-blocks'

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

/** Where the numbers of a run go: each step of each stage once, also after interruptions. */
export interface MetricsLog {
  /** Keeps a line, soon. @throws Error where it is no line */
  add(line: MetricsLine): void
  /** Resolves when all lines so far are kept. @throws Error of one line where one could not be */
  flush(): Promise<void>
  /** Drops what a stage has said after `step`, as it will be said again. */
  rewind(stage: string, step: number): Promise<void>
  /** All lines that are kept. */
  read(): Promise<readonly KeptMetrics[]>
}

/** What a kind of log must be able to. */
export interface MetricsSink {
  /** Write each line as it comes, rather than all on flushing. */
  readonly eager: boolean
  append(lines: readonly KeptMetrics[]): Promise<void>
  /** Brings what was appended to where it lasts. */
  sync(): Promise<void>
  read(): Promise<readonly KeptMetrics[]>
  /** Replaces all lines as a whole or not at all; those of `stage` are the ones that were rewound. */
  replace(lines: readonly KeptMetrics[], stage: string): Promise<void>
}

/** The log of all kinds: lines are written one after the other, in the order in which they were added. */
export function createMetricsLog(sink: MetricsSink): MetricsLog {
  let pending: KeptMetrics[] = []
  let writing: Promise<void> = Promise.resolve()
  const drain = () => {
    writing = writing.then(async () => {
      const lines = pending
      pending = []
      if (lines.length > 0) await sink.append(lines)
    })
    // Whoever flushes is told.
    writing.catch(() => {})
    return writing
  }
  const flush = async () => {
    await drain()
    await sink.sync()
  }
  return {
    add({ stage, step, values }) {
      if (!Number.isSafeInteger(step) || step < 1) throw new Error(`metrics: a step must be a positive integer; got ${describe(step)}`)
      const wrong = Object.entries(values).find(([, value]) => typeof value !== 'number')
      if (wrong) throw new Error(`metrics: values must be numbers; '${wrong[0]}' is ${describe(wrong[1])}`)
      pending.push({ stage, step, time: Date.now() / 1000, values: { ...values } })
      if (sink.eager) drain()
    },
    flush,
    async rewind(stage, step) {
      await flush()
      const lines = await sink.read()
      await sink.replace(
        lines.filter((line) => line.stage !== stage || line.step <= step),
        stage,
      )
    },
    async read() {
      await flush()
      return sink.read()
    },
  }
}

/** A log that lasts as long as it is referenced. */
export function memoryMetrics(): MetricsLog {
  let kept: readonly KeptMetrics[] = []
  return createMetricsLog({
    eager: true,
    append: async (lines) => {
      kept = [...kept, ...lines]
    },
    sync: async () => {},
    read: async () => kept,
    replace: async (lines) => {
      kept = lines
    },
  })
}

/** Lines as JSON, one each. Numbers that are not finite are null. */
export function encodeMetrics(lines: readonly KeptMetrics[]): string {
  return lines.map(({ stage, step, time, values }) => `${JSON.stringify({ stage, step, time, values })}\n`).join('')
}

/** What can be read of the lines of a file: one that was being written when its writer was killed is left out. */
export function decodeMetrics(text: string): readonly KeptMetrics[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [decodeLine(json.object(JSON.parse(line), 'a line'))]
      } catch {
        return []
      }
    })
}

function decodeLine({ stage, step, time, values }: JsonObject): KeptMetrics {
  const number = (value: unknown) => (value === null ? Number.NaN : Number(value))
  return {
    stage: String(stage),
    step: json.integer(step, 'step', 1, Number.MAX_SAFE_INTEGER),
    time: number(time),
    values: Object.fromEntries(Object.entries(json.object(values, 'values')).map(([name, value]) => [name, number(value)])),
  }
}
