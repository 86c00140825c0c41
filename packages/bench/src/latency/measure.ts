import type { Latency } from '@learngene/budget-search'
import { type Cascade, cascade, forwardCascade } from '@learngene/stitch'
import { costOf, forward, type Network, requireArguments, sidesOf } from '@learngene/vit-blocks'
import { add, dispose, keep, randomNormal, type Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { fitWholes } from './fit-wholes.js'
import { type Part, partsOf } from './parts.js'
import { type LatencyProfile, type ProfiledDevice, sumOfParts, type Timing, type WholeTiming, wholeOf } from './profile.js'
import { createRecordedJobs, type RecordedJobs } from './recorded-jobs.js'
import { type Job, type JobTimes, type TurnOptions, takeTurns } from './take-turns.js'

/** A network and what it is called, for example its path. */
export interface NamedNetwork {
  readonly name: string
  readonly network: Network
}

export interface MeasureOptions extends TurnOptions {
  /** Images per call; default 1. */
  readonly batch?: number
}

/** A cascade of which every image is passed on to the large network, or none. */
export interface TimedCascade extends Pick<Cascade, 'small' | 'large'> {
  readonly both: boolean
}

/**
 * Times networks, and either case of cascades, on the current backend, warm, in turns: from images on the device to logits that have been read. On webgpu networks are recorded and replayed,
 * as `classify` and `serve` run them; cascades are not, there or here.
 *
 * @returns by network, in ms
 * @throws where there are no networks or they take different images, batch is not an integer of at least 1, or the backend fails
 */
export async function measureNetworks(
  networks: readonly (Network | TimedCascade)[],
  { batch = 1, ...options }: MeasureOptions = {},
): Promise<Latency[]> {
  requireArguments('measureNetworks', { networks: ['object[]', networks] })
  const every = networks.flatMap((each) => ('small' in each ? [each.small, each.large] : each))
  const images = imagesFor('measureNetworks', every, batch)
  const jobs = createRecordedJobs()
  try {
    return await takeTurns(
      networks.map((each) => ('small' in each ? cascadeJob(each, images) : jobs.of(() => forward(each, images).logits))),
      options,
    )
  } finally {
    jobs.dispose()
    dispose(images)
  }
}

export interface ProfileOptions extends MeasureOptions {
  /** Whole networks that are timed beside the parts, from the cheapest to the most expensive; default 9. At most 5 of them fit the overhead, the others check the composition. */
  readonly whole?: number
}

const FITTED = 5

/**
 * Times every part that the networks have, once per kind and size, and a few whole networks, on the current backend, in turns. The backend should have
 * nothing else to do: give it a process or a worker of its own.
 *
 * @param device what the current backend is and runs on, as the profile shall say it
 * @throws as {@link measureNetworks}
 */
export async function profileNetworks(
  networks: readonly NamedNetwork[],
  device: Omit<ProfiledDevice, 'batch'>,
  { batch = 1, whole = 9, ...options }: ProfileOptions = {},
): Promise<LatencyProfile> {
  const every = networks.map(({ network }) => network)
  const images = imagesFor('profileNetworks', every, batch)
  if (!Number.isSafeInteger(whole) || whole < 1) throw new Error(`profileNetworks: whole must be an integer of at least 1; got ${whole}`)
  const inputs = new Map<number, Tensor>([[0, images]])
  const inputOf = ({ inputWidth, tokens }: Part) => {
    if (!inputs.has(inputWidth)) inputs.set(inputWidth, keep(randomNormal([batch, tokens, inputWidth], 0, 1, 'float32', 1)))
    return inputs.get(inputWidth)!
  }
  const result = keep(randomNormal([batch, Math.max(1, every[0]!.head.classes)], 0, 1, 'float32', 1))
  const jobs = createRecordedJobs()
  try {
    const kinds = [...partKinds(every)]
    const chains = await Promise.all(kinds.map(async ([key, parts]) => ({ key, ...(await chainOf(parts, inputOf, jobs)) })))
    const wholes = spread(byMacs(networks), whole)
    const [readBack, ...latencies] = await takeTurns(
      [
        jobs.of(() => add(result, 1)),
        ...chains.map(({ job }) => job),
        ...wholes.map(({ network }) => jobs.of(() => forward(network, images).logits)),
      ],
      options,
    )
    const parts = Object.fromEntries(chains.map(({ key, length }, i) => [key, partTiming(latencies[i]!, readBack!, length)]))
    const measured = { ...device, schema: 1 as const, batch, parts, readBack: timingOf(readBack!), checked: [] }
    const compared = wholes.map(({ name, network }, i) => {
      return { name, composedMs: sumOfParts(measured, network), measuredMs: latencies[chains.length + i]!.evened }
    })
    // Of fewer than four each is needed to fit.
    const fitted = compared.length < 4 ? compared : spread(compared, Math.min(FITTED, Math.ceil(compared.length / 2)))
    const fit = fitWholes(fitted)
    const checked = compared
      .filter((each) => !fitted.includes(each))
      .map(({ composedMs, ...rest }) => ({ ...rest, composedMs: wholeOf(fit, composedMs) }))
    const timed = wholes.map(({ name }, i): WholeTiming => ({ name, ...timingOf(latencies[chains.length + i]!) }))
    return { ...measured, ...fit, checked, whole: timed }
  } finally {
    jobs.dispose()
    dispose([result, ...inputs.values()])
  }
}

function imagesFor(where: string, networks: readonly Network[], batch: number): Tensor4D {
  requireArguments(where, { networks: ['network[]', networks] })
  if (!Number.isSafeInteger(batch) || batch < 1) throw new Error(`${where}: batch must be an integer of at least 1; got ${batch}`)
  const [first, ...others] = networks.map(({ embedding: { geometry } }) => [...sidesOf(geometry.imageSize), geometry.channels] as const)
  if (!first) throw new Error(`${where}: there must be at least one network; got none`)
  const other = others.find((each) => each.join() !== first.join())
  if (other) throw new Error(`${where}: all networks must take the same images; got ${first.join(' x ')} and ${other.join(' x ')}`)
  return keep(randomNormal([batch, ...first], 0, 1, 'float32', 1))
}

function partKinds(networks: readonly Network[]): Map<string, Part[]> {
  const kinds = new Map<string, Map<object, Part>>()
  for (const part of networks.flatMap(partsOf)) {
    const members = kinds.get(part.key) ?? new Map<object, Part>()
    kinds.set(part.key, members.set(part.member, part))
  }
  return new Map([...kinds].map(([key, members]) => [key, [...members.values()]]))
}

/** A chain should take as long, in ms, that neither the clock nor the reading of its result matters. */
const CHAIN_MS = 6

/** Parts in a chain that are one too many where each takes so long, in ms. */
const LONG_PART_MS = 30

/**
 * All parts of one kind, one after the other, as often as it takes, then the result of the last read: as in a network, the weights of each come from memory
 * and a device is kept busy.
 */
async function chainOf(
  parts: readonly Part[],
  inputOf: (part: Part) => Tensor,
  jobs: RecordedJobs,
): Promise<{ readonly job: Job; readonly length: number }> {
  const input = inputOf(parts[0]!) // all of one kind take the same
  const chain = (length: number): Job =>
    jobs.of(() => {
      let last: Tensor | undefined
      for (let i = 0; i < length; i++) {
        const output = tidy(() => parts[i % parts.length]!.forward(input))
        last?.dispose()
        last = output
      }
      return last!
    })
  const once = chain(1)
  await once()
  const started = performance.now()
  await once()
  const ms = performance.now() - started
  const length = ms > LONG_PART_MS ? Math.min(2, parts.length) : Math.min(64, Math.max(parts.length, Math.ceil(CHAIN_MS / ms)))
  return { job: chain(length), length }
}

function cascadeJob({ small, large, both }: TimedCascade, images: Tensor4D): Job {
  const timed = cascade(small, large, 1, { name: 'timed', of: () => (both ? 0 : 1) })
  return async () => {
    const { logits } = await forwardCascade(timed, images)
    logits.dispose()
  }
}

/** From the cheapest to the most expensive. */
function byMacs(networks: readonly NamedNetwork[]): NamedNetwork[] {
  const priced = networks.map((each) => ({ each, macs: costOf(each.network).macs }))
  return priced.sort((a, b) => a.macs - b.macs).map(({ each }) => each)
}

/** So many of a list at equal distances, its first and its last among them. */
function spread<T>(list: readonly T[], most: number): T[] {
  const count = Math.min(most, list.length)
  return Array.from({ length: count }, (_, i) => list[Math.round((i * (list.length - 1)) / Math.max(1, count - 1))]!)
}

function partTiming({ median, evened, interval }: JobTimes, read: JobTimes, length: number): Timing {
  const each = (ms: number, readMs: number) => Math.max(0, ms - readMs) / length
  return {
    ms: each(evened, read.evened),
    median: each(median, read.median),
    interval: [each(interval[0], read.median), each(interval[1], read.median)],
  }
}

const timingOf = ({ median, evened, interval }: JobTimes): Timing => ({ ms: evened, median, interval })
