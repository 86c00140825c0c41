import type { RunReport } from '@learngene/recipe/reports'
import type { Measured } from '../latency/measure-run.js'
import { formatCount, formatShare } from '../report/text.js'
import type { LatencyOfChoice, RunRow } from './run-rows.js'
import type { BestFound, LargerSearch } from './search-larger.js'

export const ms = (value: number): string => `${Number(value.toPrecision(4))} ms`

export const msText = ({ median, interval: [low, high], runs }: Measured): string =>
  `median ${ms(median)} (${ms(low)} to ${ms(high)} with 95 % certainty, ${runs} runs)`

/** What each part of the images had to do with a choice. */
export function splitsText(row: RunRow, { validation, test }: RunReport['images']): string {
  const { validationAccuracy, testAccuracy } = row
  const passed =
    'passedOn' in row
      ? `, ${formatShare(row.testPassedOn)} of them by the large descendant: ${formatCount(row.testMacs)} MACs on average (${formatShare(row.passedOn)} and ${formatCount(row.macs)} on validation images)`
      : ''
  const reported = testAccuracy === undefined ? '' : `, reported on ${test} test images: ${formatShare(testAccuracy)} right${passed}`
  return `chosen on ${validation} validation images (${formatShare(validationAccuracy)} right)${reported}`
}

/** What was composed, what was measured, on what, and who was passed over. */
export async function latencyText({
  from,
  compositionError: error,
  composedMs,
  worst,
  fresh,
  passedOver,
  ...device
}: LatencyOfChoice): Promise<string[]> {
  const { deviceText } = await import('@learngene/bench/latency')
  const origin = { measured: 'timed now', stored: 'timed before', file: 'of a file' }[from]
  const check = error
    ? `median ${formatShare(error.median)}, largest ${formatShare(error.largest)} on ${error.paths} whole paths`
    : 'not checked: too few paths'
  return [
    `latency on ${deviceText(device)}`,
    `  composed ${ms(composedMs)} of parts ${origin}; error of composition: ${check}`,
    fresh
      ? `  measured ${msText(fresh)}, the whole model in a process of its own`
      : '  not measured: the profile is of a device that is not here',
    ...(worst
      ? [
          `  these are the mean of an image; one that is passed on takes ${worst.fresh ? `${msText(worst.fresh)}, composed ${ms(worst.composedMs)}` : `composed ${ms(worst.composedMs)}`}`,
        ]
      : []),
    ...passedOver.map((each) => `  passed over ${each.path}: composed ${ms(each.composedMs)}, measured ${msText(each)}`),
  ]
}

/** What was searched beside the run's descendants, how far the predictor was, and what random search found. */
export function largerText({ stitches, paths, evaluated, best, predictor, random }: LargerSearch, images: number): string[] {
  const points = (share: number) => (100 * share).toFixed(2)
  const of = ({ path, validationAccuracy, macs, latency }: BestFound) =>
    `${path}, ${formatShare(validationAccuracy)} right, ${latency === undefined ? `${formatCount(macs)} MACs` : ms(latency)}`
  return [
    `searched ${grouped(paths)} paths of at most ${stitches} ${stitches === 1 ? 'stitch' : 'stitches'}: ${random ? evaluated : `all ${evaluated} that keep the caps`} evaluated on ${images} validation images, best ${of(best)}`,
    ...(predictor
      ? [
          `  predictor: ${points(predictor.meanError)} points from the truth on average, on ${predictor.heldOut} paths that it had not seen; the mean of those is ${points(predictor.meanDeviation)} points from it`,
        ]
      : []),
    ...(random ? [`  random search, ${random.evaluated} evaluated: best ${of(random)}`] : []),
  ]
}

const grouped = (digits: string) => digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
