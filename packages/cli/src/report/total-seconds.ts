import type { QuickstartReport } from '../quickstart/report.js'

/** Of the whole run: its time `total`, or the sum of its stages where there is none. */
export function totalSeconds({ times }: QuickstartReport): number {
  return times.total ?? Object.values(times).reduce((sum, seconds) => sum + seconds, 0)
}
