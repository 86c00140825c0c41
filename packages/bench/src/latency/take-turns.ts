import { type Latency, latencyOf } from '@learngene/budget-search'
import { evenRounds } from './even-rounds.js'

/** Something that is timed from start to end; what it leaves on a device is awaited in it. */
export type Job = () => Promise<void>

/** What a job took. */
export interface JobTimes extends Latency {
  /** In ms, from the faster run of each round, as if all rounds had the speed of one in the middle. What is compared or added up should be this. */
  readonly evened: number
}

export interface TurnOptions {
  /** What all timed runs should take together, in seconds; default 8. */
  readonly seconds?: number
  /** Told after each round with the share that is done. */
  readonly onRound?: (share: number) => void
  readonly signal?: AbortSignal
}

/** Timed runs of a job in one round, after one that does not count: whatever ran before has taken the caches. */
const RUNS = 2

/** Less than any clock tells apart. */
const CLOCK_MS = 1e-4

const FEWEST_ROUNDS = 5
const MOST_ROUNDS = 150

/** Of all jobs together, in ms: an engine compiles what it runs often. */
const WARM_UP = { leastMs: 400, leastRounds: 2, mostMs: 20_000 }

/**
 * Times jobs that take turns, round after round, so that whatever else the machine does meets all of them alike.
 *
 * @returns by job, as the jobs are given
 * @throws what a job throws; the signal's reason
 */
export async function takeTurns(jobs: readonly Job[], { seconds = 8, onRound, signal }: TurnOptions = {}): Promise<JobTimes[]> {
  if (!(seconds > 0 && seconds < Number.POSITIVE_INFINITY)) throw new Error(`latency: seconds must be a positive number; got ${seconds}`)
  let roundMs = 0
  const warmUp = performance.now()
  for (let round = 1; ; round++) {
    const started = performance.now()
    for (const job of jobs) {
      signal?.throwIfAborted()
      await job()
    }
    roundMs = performance.now() - started
    const passed = performance.now() - warmUp
    if (passed > WARM_UP.mostMs || (round >= WARM_UP.leastRounds && passed >= WARM_UP.leastMs)) break
  }
  const wanted = (seconds * 1000) / (roundMs * (1 + RUNS))
  const rounds = Math.round(Math.min(MOST_ROUNDS, Math.max(FEWEST_ROUNDS, wanted)))
  const times = jobs.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, job] of jobs.entries()) {
      signal?.throwIfAborted()
      await job()
      for (let run = 0; run < RUNS; run++) {
        const started = performance.now()
        await job()
        times[i]!.push(performance.now() - started)
      }
    }
    onRound?.((round + 1) / rounds)
    // Some backends never return to the event loop by themselves.
    await new Promise((resolve) => setTimeout(resolve))
  }
  const evened = evenRounds(times.map(fasterOfRounds))
  return times.map((each, i) => ({ ...latencyOf(each), evened: evened[i]! }))
}

/** A coarse clock may say 0. */
const fasterOfRounds = (times: readonly number[]): number[] =>
  Array.from({ length: times.length / RUNS }, (_, round) => Math.max(CLOCK_MS, Math.min(...times.slice(round * RUNS, (round + 1) * RUNS))))
