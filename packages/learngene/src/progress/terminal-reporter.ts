import type { Output } from '../io.js'
import { clockText, durationText } from './clock-text.js'
import { advance, metricsText, type ProgressReporter, remaining, type Stage, startStage } from './stage.js'

const BAR_WIDTH = 20
/** A shorter bar says less than its room is worth. */
const LEAST_BAR = 5
const LEAST_NAME = 8
const GAP = '  '
/** Of a terminal that does not know its width: it reports none, or 0. */
const USUAL_COLUMNS = 80
/** Between two drawings of the live line. */
const FRAME_SECONDS = 0.1
const CLEAR_LINE = '\r\x1b[2K'

/** Progress as one live line at the bottom of a terminal; what is done stays above it. */
export function terminalReporter(output: Output, seconds: () => number): ProgressReporter {
  let stage: Stage | undefined
  let drawn = Number.NEGATIVE_INFINITY
  const draw = () => {
    if (!stage) return
    drawn = seconds()
    output.write(CLEAR_LINE + liveLine(stage, drawn, output.columns || USUAL_COLUMNS))
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

/**
 * One line of the terminal, its last column left free. Share, remaining time and metrics come first: where they leave no room, the bar gets
 * shorter, then the stage's name, and only then the end is cut.
 */
function liveLine(stage: Stage, now: number, columns: number): string {
  const { name, done, total, metrics } = stage
  const room = columns - 1
  const head = `${clockText(now).padStart(5)}    `
  if (total === 0) return cut(`${head}${name} …`, room)
  const share = Math.min(1, done / total)
  const left = remaining(stage, now)
  const estimate = left === undefined ? '' : `, about ${clockText(left)} left`
  const figures = `${String(Math.floor(share * 100)).padStart(3)} %${estimate}${metricsText(metrics)}`
  const free = room - head.length - figures.length - GAP.length
  const barWidth = Math.min(BAR_WIDTH, free - name.length - 1)
  if (barWidth >= LEAST_BAR) return `${head}${name}${GAP}${bar(share, barWidth)} ${figures}`
  return cut(`${head}${cut(name, Math.max(LEAST_NAME, free))}${GAP}${figures}`, room)
}

function bar(share: number, width: number): string {
  const filled = Math.round(share * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`
}
