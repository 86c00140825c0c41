import type { Output } from '../io.js'
import { clockText, durationText } from './clock-text.js'
import { advance, metricsText, type ProgressReporter, remaining, type Stage, startStage } from './stage.js'

/** Between two lines about the same stage. */
const QUIET_SECONDS = 5

/** Progress as lines, for files and pipes: one at the start and the end of each stage, and at most every five seconds between. */
export function plainReporter(output: Output, seconds: () => number): ProgressReporter {
  let stage: Stage | undefined
  let spoken = 0
  const say = (text: string) => {
    spoken = seconds()
    output.write(`[${clockText(spoken)}] ${text}\n`)
  }
  const finish = () => {
    if (stage) say(`${stage.name}: done in ${durationText(seconds() - stage.started)}${metricsText(stage.metrics)}`)
    stage = undefined
  }
  return {
    report(event) {
      if (event.kind === 'message') return say(event.text)
      if (event.kind === 'stage') {
        finish()
        stage = startStage(event, seconds())
        return say(stage.name)
      }
      const now = seconds()
      stage = advance(stage ?? startStage({ kind: 'stage', name: 'working' }, now), event, now)
      if (now - spoken < QUIET_SECONDS || stage.done === stage.total) return
      const left = remaining(stage, now)
      const estimate = left === undefined ? '' : `, about ${clockText(left)} left`
      say(`${stage.name}: ${stage.done} of ${stage.total}${estimate}${metricsText(stage.metrics)}`)
    },
    close(completed = true) {
      if (completed) finish()
      stage = undefined
    },
  }
}
