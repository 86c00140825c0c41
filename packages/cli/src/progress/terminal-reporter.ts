import type { ErrorOutput } from '../io.js'
import { clockText, durationText } from './clock-text.js'
import type { ProgressReporter } from './progress-reporter.js'
import { advance, metricsText, remaining, type Stage, startStage } from './stage.js'

const BAR_WIDTH = 20
/** Between two drawings of the live line. */
const FRAME_SECONDS = 0.1
const CLEAR_LINE = '\r\x1b[2K'

/** Progress as one live line at the bottom of a terminal; what is done stays above it. */
export function terminalReporter(output: ErrorOutput, seconds: () => number): ProgressReporter {
  let stage: Stage | undefined
  let drawn = Number.NEGATIVE_INFINITY
  const draw = () => {
    if (!stage) return
    drawn = seconds()
    output.write(CLEAR_LINE + fit(liveLine(stage, drawn), output.columns))
  }
  const keep = (line: string) => output.write(`${CLEAR_LINE}${line}\n`)
  const finish = () => {
    if (stage)
      keep(`${clockText(seconds()).padStart(5)}  ✓ ${stage.name}  ${durationText(seconds() - stage.started)}${metricsText(stage.metrics)}`)
    stage = undefined
  }
  return {
    report(event) {
      const now = seconds()
      switch (event.kind) {
        case 'message':
          keep(event.text)
          return draw()
        case 'stage':
          finish()
          stage = startStage(event, now)
          return draw()
        case 'progress':
          stage = advance(stage ?? startStage({ kind: 'stage', name: 'working' }, now), event, now)
          if (now - drawn >= FRAME_SECONDS) draw()
      }
    },
    close(completed = true) {
      if (completed) finish()
      else if (stage) output.write('\n')
      stage = undefined
    },
  }
}

function liveLine(stage: Stage, now: number): string {
  const { name, done, total, metrics } = stage
  const clock = clockText(now).padStart(5)
  if (total === 0) return `${clock}    ${name} …`
  const share = Math.min(1, done / total)
  const left = remaining(stage, now)
  const estimate = left === undefined ? '' : `, about ${clockText(left)} left`
  return `${clock}    ${name}  ${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %${estimate}${metricsText(metrics)}`
}

function bar(share: number): string {
  const filled = Math.round(share * BAR_WIDTH)
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
}

/** Cut so that it stays on one line of the terminal, the last column left free. */
function fit(line: string, columns = 80): string {
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`
}
