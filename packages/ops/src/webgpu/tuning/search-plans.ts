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
  /** Awaited before the first measurement of a shape, but not beyond the time of the search; gives the candidates that can be measured, the first of them always. */
  readonly prepare?: (shape: PlannedShape) => Promise<readonly TunedPlan[]>
  /** One measurement of a product by a plan, in ms; the first by a plan is not counted. */
  readonly measure: (shape: PlannedShape, plan: TunedPlan) => Promise<number>
  /** Asked where something fails: whether all else would. */
  readonly isLost?: () => Promise<boolean>
  readonly seconds: number
  /** ms */
  readonly now: () => number
  readonly onShape?: (done: number, total: number) => void
  /** Told of each shape's plan once it is found, and waited for. */
  readonly onPlan?: (key: string, plan: MeasuredPlan) => void | Promise<void>
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
 * the time is over, and what is being prepared then is not waited for; shapes that have had too few are left out. So are plans that cannot be measured, and shapes whose plan of limits and model is
 * one of them.
 *
 * @throws the signal's reason; what fails on a lost device, or, where each shape is left out for that reason, of the first
 */
export async function searchPlans(shapes: readonly PlannedShape[], options: SearchOptions): Promise<{ [key: string]: MeasuredPlan }> {
  const { seconds, now, isLost, onShape, onPlan, signal } = options
  const end = now() + 1000 * seconds
  const plans: { [key: string]: MeasuredPlan } = {}
  const failures: { readonly key: string; readonly error: unknown }[] = []
  let pending = shapes
  // Once more where the compilation of what others run too has taken a shape's share, and others have left some of theirs.
  while (pending.length > 0 && now() < end) {
    let weight = pending.reduce((sum, shape) => sum + shape.weight, 0)
    for (const shape of pending) {
      onShape?.(Object.keys(plans).length, shapes.length)
      const deadline = now() + ((end - now()) * shape.weight) / weight
      weight -= shape.weight
      try {
        const found = await searchPlan(shape, { ...options, isOver: () => now() >= deadline, remaining: () => end - now() })
        if (found) plans[shape.key] = found
      } catch (error) {
        signal?.throwIfAborted()
        if (await isLost?.()) throw error
        failures.push({ key: shape.key, error })
      }
      if (Object.hasOwn(plans, shape.key)) await onPlan?.(shape.key, plans[shape.key]!)
      signal?.throwIfAborted()
    }
    pending = pending.filter(({ key }) => !Object.hasOwn(plans, key) && !failures.some((failure) => failure.key === key))
  }
  const [failure] = failures
  if (failure && failures.length === shapes.length) throw failure.error
  return plans
}

/** @throws what fails of the plan of limits and model, or of any on a lost device */
async function searchPlan(
  shape: PlannedShape,
  {
    prepare,
    measure,
    isLost,
    isOver,
    remaining,
    onMeasured,
    signal,
  }: SearchOptions & { readonly isOver: () => boolean; readonly remaining: () => number },
): Promise<MeasuredPlan | undefined> {
  if (isOver() || signal?.aborted) return undefined
  const candidates = prepare ? await within(prepare(shape), remaining()) : shape.candidates
  if (!candidates) return undefined
  let entries = candidates.map((plan) => ({ plan, times: [] as number[] }))
  const [untuned] = entries
  const turn = async (chosen: typeof entries, counts: boolean) => {
    for (const entry of chosen) {
      if (isOver() || signal?.aborted) return
      try {
        const ms = await measure(shape, entry.plan)
        if (counts) entry.times.push(ms)
      } catch (error) {
        if (entry === untuned || signal?.aborted || (await isLost?.())) throw error
        entries = entries.filter((other) => other !== entry)
      }
    }
  }
  await turn(entries, false)
  await turn(entries, true)
  const best = Math.min(...entries.flatMap(({ times }) => times))
  const first = ({ times }: (typeof entries)[number]) => times[0] ?? Number.POSITIVE_INFINITY
  const hopeful = () => entries.filter((entry) => entry === untuned || first(entry) <= HOPELESS * best)
  for (let round = 1; round < ROUNDS && !isOver(); round++) await turn(round % 2 === 1 ? hopeful().toReversed() : hopeful(), true)
  onMeasured?.(
    shape.key,
    entries.flatMap(({ plan, times }) => (times.length > 0 ? [{ ...plan, ms: median(times) }] : [])),
  )
  const measured = hopeful().flatMap(({ plan, times }) => (times.length >= FEWEST ? [{ plan, ms: median(times) }] : []))
  const before = measured.find(({ plan }) => plan === untuned?.plan)
  if (!before) return undefined
  const fastest = measured.reduce((best, next) => (next.ms < best.ms ? next : best))
  const { plan, ms } = fastest.ms < GAIN * before.ms ? fastest : before
  return { ...plan, ms, untunedMs: before.ms }
}

/** What timers count to, in ms. */
const MOST_MS = 2 ** 31 - 1

/** What is done within so many ms, which are waited for at most; undefined where it is not. @throws what it throws by then */
async function within<T>(done: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, MOST_MS), undefined)
  })
  try {
    return await Promise.race([done, over])
  } finally {
    clearTimeout(timer)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
