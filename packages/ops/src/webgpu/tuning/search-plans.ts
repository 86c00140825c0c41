import type { TunedPlan } from '../linear/planning.js'
import type { MeasuredPlan } from './table.js'

/** A shape whose plan is looked for. */
export interface PlannedShape {
  readonly key: string
  /** The plan of limits and model first. */
  readonly candidates: readonly TunedPlan[]
  /** Its share of the time. */
  readonly weight: number
}

/** A plan and the median of its times, in ms. */
export interface TimedPlan extends TunedPlan {
  readonly ms: number
}

export interface SearchOptions {
  /** Awaited before the first measurement of a shape, but not beyond the time of the search. */
  readonly prepare?: (shape: PlannedShape) => Promise<void>
  /** One measurement of a product by a plan, in ms; the first by a plan is not counted. */
  readonly measure: (shape: PlannedShape, plan: TunedPlan) => Promise<number>
  readonly seconds: number
  /** ms */
  readonly now: () => number
  readonly onShape?: (done: number, total: number) => void
  /** Told of each shape what its plans took, the hopeless ones by their one time. */
  readonly onMeasured?: (key: string, plans: readonly TimedPlan[]) => void
  readonly signal?: AbortSignal | undefined
}

/** Measurements of a plan, and the fewest of which a median is believed. */
const ROUNDS = 7
const FEWEST = 3

/** What takes so many times the best's first time is not measured again. */
const HOPELESS = 1.5

/** How much less time another plan must take than that of limits and model: less is noise. */
const GAIN = 0.97

/**
 * The fastest plan of each shape. Candidates take turns, so that whatever else the device does meets all of them, and medians count. No measurement is begun when
 * the time is over, and what is being prepared then is not waited for; shapes that have had too few are left out.
 *
 * @throws the signal's reason
 */
export async function searchPlans(shapes: readonly PlannedShape[], options: SearchOptions): Promise<{ [key: string]: MeasuredPlan }> {
  const { seconds, now, onShape, signal } = options
  const end = now() + 1000 * seconds
  const plans: { [key: string]: MeasuredPlan } = {}
  let pending = shapes
  // Once more where the compilation of what others run too has taken a shape's share, and others have left some of theirs.
  while (pending.length > 0 && now() < end) {
    let weight = pending.reduce((sum, shape) => sum + shape.weight, 0)
    for (const shape of pending) {
      onShape?.(Object.keys(plans).length, shapes.length)
      const deadline = now() + ((end - now()) * shape.weight) / weight
      weight -= shape.weight
      const found = await searchPlan(shape, { ...options, isOver: () => now() >= deadline, remaining: () => end - now() })
      signal?.throwIfAborted()
      if (found) plans[shape.key] = found
    }
    pending = pending.filter(({ key }) => !Object.hasOwn(plans, key))
  }
  return plans
}

async function searchPlan(
  shape: PlannedShape,
  {
    prepare,
    measure,
    isOver,
    remaining,
    onMeasured,
    signal,
  }: SearchOptions & { readonly isOver: () => boolean; readonly remaining: () => number },
): Promise<MeasuredPlan | undefined> {
  const entries = shape.candidates.map((plan) => ({ plan, times: [] as number[] }))
  const turn = async (chosen: typeof entries, counts: boolean) => {
    for (const { plan, times } of chosen) {
      if (isOver() || signal?.aborted) return
      const ms = await measure(shape, plan)
      if (counts) times.push(ms)
    }
  }
  if (prepare && !isOver() && !signal?.aborted && !(await isWithin(prepare(shape), remaining()))) return undefined
  await turn(entries, false)
  await turn(entries, true)
  const [untuned] = entries
  const best = Math.min(...entries.flatMap(({ times }) => times))
  const hopeful = entries.filter((entry) => entry === untuned || (entry.times[0] ?? Number.POSITIVE_INFINITY) <= HOPELESS * best)
  for (let round = 1; round < ROUNDS && !isOver(); round++) await turn(round % 2 === 1 ? hopeful.toReversed() : hopeful, true)
  onMeasured?.(
    shape.key,
    entries.flatMap(({ plan, times }) => (times.length > 0 ? [{ ...plan, ms: median(times) }] : [])),
  )
  const measured = hopeful.flatMap(({ plan, times }) => (times.length >= FEWEST ? [{ plan, ms: median(times) }] : []))
  const before = measured.find(({ plan }) => plan === untuned?.plan)
  if (!before) return undefined
  const fastest = measured.reduce((best, next) => (next.ms < best.ms ? next : best))
  const { plan, ms } = fastest.ms < GAIN * before.ms ? fastest : before
  return { ...plan, ms, untunedMs: before.ms }
}

/** What timers count to, in ms. */
const MOST_MS = 2 ** 31 - 1

/** Whether something is done within so many ms, which are waited for at most. @throws what it throws by then */
async function isWithin(done: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, MOST_MS), false)
  })
  try {
    return await Promise.race([done.then(() => true), over])
  } finally {
    clearTimeout(timer)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
