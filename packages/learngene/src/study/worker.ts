import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { featureFolder } from '@learngene/learngene-pool/node'
import { plan, runStage, type StageKeys } from '@learngene/recipe'
import { diskStore, lockRun } from '@learngene/recipe/node'
import type { Group } from '@learngene/training'
import { buildRecipe } from '../run/build-recipe.js'
import type { WorkerResult } from '../run/worker.js'
import { startBackend } from '../start-backend.js'
import { imagesOfCell, type StudyCell, stagesOfStudy } from './study-folder.js'

export interface StudyWorkerInput {
  readonly dir: string
  readonly cell: StudyCell
  /** A stage that cells share, or the cell's last. */
  readonly stage: string
  readonly key: string
  readonly backend: BackendName
  /** Of the ancestor. */
  readonly fingerprint: string
  readonly checkpointEvery?: number
}

/** One member of the group that runs a unit of a study, in a thread of its own. */
export async function main(group: Group, input: StudyWorkerInput, report: Reporter): Promise<WorkerResult> {
  const { dir, cell, stage, key, fingerprint, checkpointEvery } = input
  const { name, version } = await startBackend(input.backend)
  const recipe = buildRecipe(cell.config, await imagesOfCell(dir, cell.config), cell.seed, fingerprint, report)
  const keys: StageKeys = Object.fromEntries((await plan(recipe)).map((each) => [each.stage.name, each.key]))
  if (keys[stage] !== key)
    throw new Error(
      `'${stage}' of ${cell.name} was listed with key ${key.slice(0, 8)} and has ${keys[stage]?.slice(0, 8) ?? 'none'} now: configuration, images or ancestor have changed; plan the study again`,
    )
  let ran = false
  await runStage(recipe, stage, {
    ...{ group, checkpointEvery, withNeeds: stage === cell.stage },
    report(event) {
      ran ||= event.kind === 'stage'
      report(event)
    },
    store: diskStore(stagesOfStudy(dir), keys),
    answers: (of) => featureFolder(join(dir, 'answers', of)),
    lock: (each) =>
      lockRun(join(dir, '.locks'), { file: `${each.replaceAll(':', '-')}-${keys[each]!.slice(0, 16)}.lock`, wait: true, report }),
  })
  return { backend: { name, version }, ran }
}
