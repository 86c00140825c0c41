import type { Memory } from './meters.js'
import type { Participant, StepCommands } from './participant.js'

/** How long to measure. */
export interface CompareOptions {
  /** Timed steps of each participant; default by the time that its steps take. */
  readonly steps?: number
  /** What the timed steps of one participant should take together, in ms, where `steps` is not given; default 6000. */
  readonly targetMs?: number
  /** Told before each turn. */
  readonly onTurn?: (name: string, done: number, total: number) => void
}

/** What came out for one participant. */
export interface Measured {
  readonly ms: readonly number[]
  readonly memory: Memory | null
  readonly commands: StepCommands | null
}

const ROUNDS = 3

const MOST_STEPS = 60

/** Above it a step's first run after a pause is no slower than the others, as far as one can tell. */
const LONG_STEP_MS = 3000

/** About a second of steps that the engine needs to compile what they run; they also tell what a step takes. */
const warmUpSteps = (stepMs: number): number => Math.ceil(Math.min(MOST_STEPS / ROUNDS, 1000 / stepMs))

/** Timed steps per turn for steps that take `stepMs`: at least one, so at least three in all. */
export function stepsPerTurn(stepMs: number, { steps, targetMs = 6000 }: CompareOptions): number {
  return Math.ceil((steps ?? Math.min(MOST_STEPS, targetMs / stepMs)) / ROUNDS)
}

/**
 * Lets participants take turns, three each after a warm-up, so that whatever else the machine does meets all of them alike. One that fails
 * drops out, and its error takes its place.
 *
 * @param start each is started when its warm-up begins
 */
export async function compare(
  start: { readonly [name: string]: () => Promise<Participant> },
  options: CompareOptions = {},
): Promise<{ [name: string]: Measured | Error }> {
  const outcome: { [name: string]: Measured | Error } = {}
  const running = new Map<string, { participant: Participant; stepMs: number; measured: Measured }>()
  const names = Object.keys(start)
  const total = names.length * (1 + ROUNDS)
  let done = 0
  const attempt = async (name: string, turn: () => Promise<void>) => {
    options.onTurn?.(name, done++, total)
    try {
      await turn()
    } catch (error) {
      outcome[name] = error instanceof Error ? error : new Error(String(error))
      running.delete(name)
    }
  }

  for (const name of names) {
    await attempt(name, async () => {
      const participant = await start[name]!()
      let { ms } = await participant.turn(1, 0)
      if (ms[0]! < LONG_STEP_MS) ms = (await participant.turn(warmUpSteps(ms[0]!), 1)).ms
      running.set(name, { participant, stepMs: median(ms), measured: { ms: [], memory: null, commands: null } })
    })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const state = running.get(name)
      if (!state) continue
      await attempt(name, async () => {
        const { participant, stepMs, measured } = state
        const leadIn = stepMs < LONG_STEP_MS ? 1 : 0
        const { ms, memory, commands } = await participant.turn(stepsPerTurn(stepMs, options), leadIn)
        state.measured = { ms: [...measured.ms, ...ms], memory, commands }
      })
    }
  }
  for (const [name, { measured }] of running) outcome[name] = measured
  return outcome
}

/** How far values spread around their median. */
export interface Spread {
  readonly least: number
  /** First and third quartile. */
  readonly q1: number
  readonly q3: number
  readonly most: number
}

/**
 * The value below which the given share of all values lies, interpolated linearly between neighbours (numpy's default).
 *
 * @param share 0 to 1
 * @throws where there are no values
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('quantile: there must be at least one value; got none')
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
  return below + (above - below) * (place - Math.floor(place))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function spreadOf(values: readonly number[]): Spread {
  return { least: quantile(values, 0), q1: quantile(values, 0.25), q3: quantile(values, 0.75), most: quantile(values, 1) }
}
