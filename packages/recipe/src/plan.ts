import type { Json, JsonObject, Reporter, Rng } from '@learngene/interfaces'
import type { Group } from '@learngene/training'
import { describe } from '@learngene/vit-blocks'
import type { AccountKeeper } from './account.js'
import { canonicalJson, sha256 } from './canonical-json.js'
import { type Depends, folderOf, requireStageName, SCHEMA } from './manifest.js'
import type { Artifact, Checkpoint, Files } from './store.js'

/** A unit of a run: a function of a part of the recipe and of other stages' artifacts to an artifact of its own. */
export interface Stage {
  /** Letters, digits and . _ - : such as `tier:w192`, whose artifact is in the folder `tier-w192`. */
  readonly name: string
  /** What progress calls it; default its name. */
  readonly title?: string
  /** Names of the stages whose artifacts it reads. */
  readonly needs: readonly string[]
  /** All of the recipe that its artifact depends on, the seed too where it draws, and nothing else. */
  readonly settings: Json
  /** What tells inputs from outside the recipe apart, by name: a data set's fingerprint, a file's hash. */
  readonly fingerprints?: { readonly [input: string]: string }
  /** Its training steps, where it has some and knows: for progress and status. */
  readonly steps?: number
  /** In a group all members run it; the artifact is what rank 0 returns. */
  run(context: StageContext, inputs: StageInputs): Promise<StageResult>
  /** Where its work can be cut: does one part of it alone, whose artifact `run` finds among the context's `shares`. */
  share?(context: StageContext, inputs: StageInputs, share: Share): Promise<StageResult>
}

/** Part `part` of `of`, counted from 1. */
export interface Share {
  readonly part: number
  readonly of: number
}

/** Artifacts of the stages that a stage needs, by name. */
export type StageInputs = { readonly [stage: string]: Artifact }

export interface StageResult {
  readonly files: Files
  /** What others want to know without opening the files; any JSON. */
  readonly info?: JsonObject
}

/** What a stage is given to run with. */
export interface StageContext {
  readonly stage: string
  readonly key: string
  /** Depends on the run's seed and the stage's name only. */
  readonly rng: Rng
  /** Of rank 0; of other members it does nothing. */
  readonly report: Reporter
  readonly signal?: AbortSignal
  readonly group: Group
  /** Keeps numbers after `step` finished steps, counted from 1. Those of rank 0 are kept, other members' are not. */
  metrics(step: number, values: { readonly [name: string]: number }): void
  readonly checkpoint: {
    /** Steps from one checkpoint to the next, as the run wishes. */
    readonly every: number
    /** Where the stage had come when it was interrupted, the same on every member; undefined at its beginning. */
    readonly last?: Checkpoint
    /**
     * Keeps the state after `step` finished steps, once `metrics` has been given those of all of them. Of rank 0; of other members it does
     * nothing.
     */
    save(content: Uint8Array, at: { readonly step: number; readonly total?: number }): Promise<void>
  }
  /**
   * What the stage costs. Seconds and memory are kept by themselves; images and MACs are to be added, on all members those of the whole
   * group.
   */
  readonly account: AccountKeeper
  /** What has been made of parts of this very stage; of rank 0, other members get none. They are removed when the stage stands. */
  shares(): Promise<readonly Artifact[]>
}

/** A stage in its place, with the key of its artifact. */
export interface PlannedStage {
  readonly stage: Stage
  readonly key: string
  readonly depends: Depends
}

/**
 * Orders stages so that each comes after those that it needs, otherwise as they were given, and computes their keys.
 *
 * @throws Error of one line when two stages have one name or folder, a stage needs one that is not there, stages need each other in a
 * circle, or settings are no JSON
 */
export async function planStages(stages: readonly Stage[]): Promise<readonly PlannedStage[]> {
  const planned = new Map<string, PlannedStage>()
  for (const stage of ordered(checked(stages))) {
    const needs = Object.fromEntries(stage.needs.map((need) => [need, planned.get(need)!.key]))
    const depends: Depends = { settings: stage.settings, needs, fingerprints: stage.fingerprints ?? {} }
    planned.set(stage.name, { stage, depends, key: await keyOf(stage.name, depends) })
  }
  return [...planned.values()]
}

/** SHA-256 of the canonical JSON of all that an artifact depends on. */
export async function keyOf(name: string, depends: Depends): Promise<string> {
  try {
    return await sha256(canonicalJson({ schema: SCHEMA, name, ...depends } as unknown as JsonObject))
  } catch (error) {
    throw new Error(`stage '${name}': ${(error as Error).message}`, { cause: error })
  }
}

/** What a share of a stage is called: `evaluate.2of4`. */
export const shareName = (stage: string, { part, of }: Share): string => `${stage}.${part}of${of}`

/** The stage that a share is of; undefined where the name is that of no share. */
export function shareOfName(name: string): { readonly stage: string; readonly share: Share } | undefined {
  const [, stage, part, of] = /^(.+)\.(\d+)of(\d+)$/.exec(name) ?? []
  if (stage === undefined || Number(part) < 1 || Number(part) > Number(of)) return undefined
  return { stage, share: { part: Number(part), of: Number(of) } }
}

/** A part of a planned stage as a stage of its own. @throws Error where its work cannot be cut */
export function stageOfShare({ stage, key }: PlannedStage, share: Share): Stage {
  if (!stage.share) throw new Error(`the work of '${stage.name}' cannot be cut into shares; run it whole`)
  const { part, of } = share
  return {
    name: shareName(stage.name, share),
    title: `${stage.title ?? stage.name}, part ${part} of ${of}`,
    needs: stage.needs,
    settings: { of: key, share: { part, of } },
    run: (context, inputs) => stage.share!(context, inputs, share),
  }
}

/** Whether an artifact is of a part of the stage with this key. */
export function isShareOf({ stage, manifest }: Artifact, name: string, key: string): boolean {
  const settings = manifest.depends?.settings as { readonly of?: Json } | undefined
  return shareOfName(stage)?.stage === name && settings?.of === key
}

function checked(stages: readonly Stage[]): readonly Stage[] {
  if (!Array.isArray(stages)) throw new Error(`planStages: stages must be a list; got ${describe(stages)}`)
  const folders = new Map<string, string>()
  for (const stage of stages) {
    if (typeof stage?.run !== 'function' || !Array.isArray(stage.needs)) {
      throw new Error(`planStages: a stage must be { name, needs, settings, run }; got ${describe(stage)}`)
    }
    requireStageName(stage.name)
    const folder = folderOf(stage.name).toLowerCase()
    const other = folders.get(folder)
    if (other !== undefined) throw new Error(`planStages: stages must have folders of their own; '${other}' and '${stage.name}' share one`)
    folders.set(folder, stage.name)
  }
  const names = stages.map(({ name }) => name)
  for (const { name, needs } of stages) {
    const unknown = needs.find((need: string) => !names.includes(need))
    if (unknown !== undefined) {
      throw new Error(`planStages: '${name}' needs ${describe(unknown)}, which is no stage; the stages are ${names.join(', ')}`)
    }
  }
  return stages
}

function ordered(stages: readonly Stage[]): readonly Stage[] {
  const byName = new Map(stages.map((stage) => [stage.name, stage]))
  const order = new Set<Stage>()
  const visit = (stage: Stage, path: readonly string[]) => {
    if (order.has(stage)) return
    const start = path.indexOf(stage.name)
    if (start >= 0) {
      const circle = [...path.slice(start), stage.name].join(' > ')
      throw new Error(`planStages: stages must not need each other in a circle; got ${circle}`)
    }
    for (const need of stage.needs) visit(byName.get(need)!, [...path, stage.name])
    order.add(stage)
  }
  for (const stage of stages) visit(stage, [])
  return [...order]
}
