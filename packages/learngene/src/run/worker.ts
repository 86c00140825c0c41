import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { featureFolder } from '@learngene/learngene-pool/node'
import { run } from '@learngene/recipe'
import { diskMetrics, diskStore } from '@learngene/recipe/node'
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
}

export interface WorkerResult {
  readonly backend: { readonly name: string; readonly version: string }
}

/** One member of a run's group, in a thread of its own. */
export async function main(group: Group, input: WorkerInput, report: Reporter): Promise<WorkerResult> {
  const { name, version } = await startBackend(input.backend)
  const { dir, seed, fingerprint, checkpointEvery } = input
  const config = await loadOwn(input.config, input.configFile)
  const datasets = withoutUnreadable(withFingerprints(await readImages(config), input.pictures), input.leftOut)
  const recipe = buildRecipe(config, datasets, seed, fingerprint, report)
  const store = diskStore(stagesOfRun(dir))
  const metrics = group.rank === 0 ? diskMetrics(dir) : undefined
  await run(recipe, { store, group, report, metrics, checkpointEvery, answers: (key) => featureFolder(join(dir, 'answers', key)) })
  return { backend: { name, version } }
}
