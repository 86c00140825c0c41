import type { LatencyProfile, ProfiledDevice } from '@learngene/bench/latency'
import { askProcess } from '../ask-process.js'
import type { LatencySetting } from './budget.js'

/** Which pool is measured where. */
export interface MeasuredPool extends LatencySetting {
  /** The pool's folder. */
  readonly pool: string
  /** The module with the user's kinds of blocks and spaces, where there is one. */
  readonly configFile?: string
  /** What the timed runs take together; default those of `takeTurns`. */
  readonly seconds?: number
}

/** What the process that measures is asked: for the profile of a pool, for whole paths of it, or for a model. */
export type MeasureRequest = (MeasuredPool & (ProfileRequest | { readonly paths: readonly string[] })) | MeasuredModel

/** Which model is measured where. */
interface MeasuredModel extends Omit<MeasuredPool, 'pool'> {
  /** A safetensors file, of a network or a cascade. */
  readonly model: string
}

interface ProfileRequest {
  /** Where profiles are kept. */
  readonly folder: string
  /** Measures also where one is kept. */
  readonly anew?: boolean
  /** Whole paths that are timed beside the parts. */
  readonly whole?: number
}

/** What came of timing a model, in ms. */
export interface Measured {
  readonly median: number
  /** The first decile: what it takes where nothing interrupts it. */
  readonly decile: number
  /** In which the median lies with 95 % certainty. */
  readonly interval: readonly [number, number]
  readonly runs: number
}

/** A path or a cascade that was measured whole. */
export interface MeasuredPath extends Measured {
  readonly path: string
  /** Of a cascade where the large descendant answers too; the other times are of the small one's answer then. */
  readonly both?: Measured
}

/** A profile, and whether it was stored before. */
export interface ProfileAnswer {
  readonly profile: LatencyProfile
  readonly stored: boolean
  /** Why it is not kept for later, in a line, where it cannot be. */
  readonly notKept?: string
}

export type MeasureAnswer =
  | { readonly error: string }
  | ProfileAnswer
  | { readonly device: ProfiledDevice; readonly measured: readonly MeasuredPath[] }

/** The profile of a pool's parts: the stored one, or measured in a process of its own and stored where that is possible. @throws Error of one line */
export function profilePool(request: MeasuredPool & ProfileRequest, signal?: AbortSignal, module = PROCESS) {
  return ask<ProfileAnswer>(request, signal, module)
}

/** Times whole paths of a pool and cascades of two, in turns, in a process of its own. @throws Error of one line */
export function measurePaths(request: MeasuredPool & { readonly paths: readonly string[] }, signal?: AbortSignal, module = PROCESS) {
  return ask<{ readonly device: ProfiledDevice; readonly measured: readonly MeasuredPath[] }>(request, signal, module)
}

/** Times the model of a file, of a cascade both cases, in a process of its own. @throws Error of one line */
export async function measureModel(request: MeasuredModel, signal?: AbortSignal, module = PROCESS) {
  const { device, measured } = await ask<{ readonly device: ProfiledDevice; readonly measured: readonly MeasuredPath[] }>(
    request,
    signal,
    module,
  )
  const { path: _, ...times } = measured[0]!
  return { device, measured: times }
}

/** What measures; built beside the chunk that this is in. */
const PROCESS = new URL('./latency/measure-process.js', import.meta.url)

/** What takes so much longer than the timed runs hangs. */
const TIME_LIMIT_SECONDS = 3600

async function ask<Answer>(request: MeasureRequest, signal: AbortSignal | undefined, module: URL): Promise<Answer> {
  const { backend, batch, seconds = 0 } = request
  const what = `latency cannot be measured on ${backend} with batch ${batch}`
  const answer = (await askProcess(module, request, (stderr, ended) => `${what}: ${stderr.trim().split('\n').at(-1) || ended}`, {
    seconds: seconds + TIME_LIMIT_SECONDS,
    signal,
  })) as MeasureAnswer
  if ('error' in answer) throw new Error(`${what}: ${answer.error}`)
  return answer as Answer
}
