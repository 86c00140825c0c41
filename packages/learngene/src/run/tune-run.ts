import type { Reporter } from '@learngene/interfaces'
import { askProcess } from '../ask-process.js'
import { oneLine } from '../errors.js'
import type { RunConfig } from './config.js'

/** When a run on webgpu tunes its products first: `auto` where its training is long and no step of it has begun, on hardware only. */
export const TUNE_WHEN = ['auto', 'always', 'never'] as const

export type TuneWhen = (typeof TUNE_WHEN)[number]

/** Steps from which a training is long: below, measuring takes longer than it gains. */
const LONG_STEPS = 2000

/** The time that finding the products and measuring them may take. */
const SECONDS = 20

/** What takes longer hangs: finding the products runs a step of each training, which a slow machine compiles for minutes. */
const TIME_LIMIT_SECONDS = 600

export interface TuneRunRequest {
  readonly config: RunConfig
  readonly configFile?: string | undefined
  /** Training images. */
  readonly images: number
  /** That they show. */
  readonly classes: number
  /** Members of the run's group. */
  readonly workers: number
  readonly seconds: number
  /** Tunes on an adapter too that computes on the CPU. */
  readonly software: boolean
}

/** What the process says: why it has not measured, or what it has. */
export type TuneRunAnswer =
  | { readonly skipped: string }
  | {
      readonly device: string
      /** Shapes of products that the run has. */
      readonly shapes: number
      readonly measured: number
      readonly seconds: number
      /** null where they are not kept. */
      readonly file: string | null
    }

interface TuneRunOptions extends Omit<TuneRunRequest, 'seconds' | 'software'> {
  readonly when: TuneWhen
  /** Whether no step has begun: sums in another order would end what is repeated bit by bit. */
  readonly isNew: boolean
  /** The built `tune-process` entry. */
  readonly module: URL
  readonly limitSeconds?: number
  readonly report: Reporter
  readonly signal?: AbortSignal
}

/** The steps of a run's trainings: of an ancestor from random weights, of distilling and fine-tuning. */
export function stepsOf(
  { ancestor, model, tiers, distillation, fineTuning }: Pick<RunConfig, 'ancestor' | 'model' | 'tiers' | 'distillation' | 'fineTuning'>,
  images: number,
): number {
  const distilling = { ...distillation, epochs: tiers.reduce((sum, { epochs }) => sum + epochs, 0) }
  const trained = ancestor === 'train' && model ? [model.training] : []
  const steps = [...trained, distilling, fineTuning].map(({ epochs, batchSize }) => epochs * Math.floor(images / batchSize))
  return Math.round(steps.reduce((sum, each) => sum + each, 0))
}

/** Tunes the products of a run on webgpu, in a process of its own, where it is worth it; a failure is a line, and the run goes on. @throws the signal's reason */
export async function tuneRun({
  when,
  isNew,
  module,
  limitSeconds = TIME_LIMIT_SECONDS,
  report,
  signal,
  ...asked
}: TuneRunOptions): Promise<void> {
  if (when === 'never' || !isNew || (when === 'auto' && stepsOf(asked.config, asked.images) < LONG_STEPS)) return
  const request: TuneRunRequest = { ...asked, seconds: SECONDS, software: when === 'always' }
  const say = (text: string) => report({ kind: 'message', text })
  try {
    const answer = (await askProcess(module, request, (stderr, ended) => stderr.trim().split('\n').at(-1) || ended, {
      seconds: limitSeconds,
      signal,
    })) as TuneRunAnswer
    if ('skipped' in answer) say(`products are not tuned: ${answer.skipped}`)
    else
      say(
        `tuned ${answer.measured} of ${answer.shapes} products for ${answer.device} in ${answer.seconds.toFixed(0)} s; ${answer.file === null ? 'not kept' : `kept in ${answer.file}`}`,
      )
  } catch (error) {
    signal?.throwIfAborted()
    say(`products are not tuned: ${oneLine(error)}`)
  }
}
