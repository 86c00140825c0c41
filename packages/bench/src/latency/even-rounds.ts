import { median } from '../compare.js'

const ITERATIONS = 10

/**
 * What each job takes where rounds differ in speed, because the machine does other things as well or its cores are slower for a while: a job's time times a round's slowness, both found by
 * median polish of the logarithms (Tukey 1977, Exploratory Data Analysis). A round in the middle has slowness 1. A quantile of a few times of each job alone compares jobs in different
 * circumstances.
 *
 * @param times of each job in each round, in ms, above 0; at least one job, and each as often
 * @returns by job, in ms
 */
export function evenRounds(times: readonly (readonly number[])[]): number[] {
  const logs = times.map((row) => row.map(Math.log))
  const rounds = logs[0]!.map((_, round) => round)
  let job = logs.map(median)
  for (let i = 0; i < ITERATIONS; i++) {
    const slowness = rounds.map((round) => median(logs.map((row, j) => row[round]! - job[j]!)))
    const middle = median(slowness)
    job = logs.map((row) => median(row.map((log, round) => log - slowness[round]! + middle)))
  }
  return job.map(Math.exp)
}
