import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { featureFolder } from '@learngene/learngene-pool/node'
import { plan, type Recipe, type RunOptions, run, runStage } from '@learngene/recipe'
import { diskMetrics, diskStore, lockRun } from '@learngene/recipe/node'
import type { Group } from '@learngene/training'
import { startBackend } from '../start-backend.js'
import { buildRecipe, readImages } from './build-recipe.js'
import type { RunConfig } from './config.js'
import { loadOwn } from './own-values.js'
import { type LeftOut, withFingerprints, withoutUnreadable } from './readable.js'
import { stagesOfRun } from './run-folder.js'

export interface WorkerInput {
  readonly dir: string
  readonly config: RunConfig
  /** The module with the functions of the configuration, where it has some. */
  readonly configFile?: string
  readonly seed: number
  readonly backend: BackendName
  /** Of the ancestor. */
  readonly fingerprint: string
  /** Indices of pictures that cannot be read, by part. */
  readonly leftOut: LeftOut
  /** Of the pictures, by part, where they are known. */
  readonly pictures: { readonly [part: string]: string }
  readonly checkpointEvery?: number
  /** One unit alone: a stage or a share of one, with the key that its stage must have. Default the whole run. */
  readonly unit?: { readonly stage: string; readonly key: string }
}

export interface WorkerResult {
  readonly backend: { readonly name: string; readonly version: string }
  /** Whether a stage ran; false where all was there. */
  readonly ran: boolean
}

/** One member of a run's group, in a thread of its own. */
export async function main(group: Group, input: WorkerInput, report: Reporter): Promise<WorkerResult> {
  const { name, version } = await startBackend(input.backend)
  const { dir, seed, fingerprint, checkpointEvery } = input
  const config = await loadOwn(input.config, input.configFile)
  const datasets = withoutUnreadable(withFingerprints(await readImages(config), input.pictures), input.leftOut)
  const recipe = buildRecipe(config, datasets, seed, fingerprint, report)
  let ran = false
  const said: Reporter = (event) => {
    ran ||= event.kind === 'stage'
    report(event)
  }
  // Numbers of several processes cannot go into one file.
  const kept = input.unit ? join(dir, 'units', folderOf(input.unit.stage)) : dir
  const options = {
    ...{ group, checkpointEvery, report: said },
    store: diskStore(stagesOfRun(dir)),
    metrics: group.rank === 0 ? diskMetrics(kept) : undefined,
    answers: (key: string) => featureFolder(join(dir, 'answers', key)),
    lock: (stage: string) => lockRun(join(dir, '.locks'), { file: `${folderOf(stage)}.lock`, wait: true, report }),
  }
  if (input.unit) await runUnit(recipe, input.unit, options)
  else await run(recipe, options)
  return { backend: { name, version }, ran }
}

const folderOf = (stage: string) => stage.replaceAll(':', '-')

/** @throws Error where the recipe is not what it was when the unit was listed */
async function runUnit(recipe: Recipe, { stage, key }: NonNullable<WorkerInput['unit']>, options: RunOptions): Promise<void> {
  const name = stage.replace(/\.\d+of\d+$/, '')
  const planned = (await plan(recipe)).find((each) => each.stage.name === name)
  if (!planned) throw new Error(`the run has no stage '${name}' any more; list its units anew`)
  if (planned.key !== key)
    throw new Error(
      `'${stage}' was listed with key ${key.slice(0, 8)} and has ${planned.key.slice(0, 8)} now: configuration, images or ancestor have changed; list the units anew`,
    )
  await runStage(recipe, stage, options)
}
