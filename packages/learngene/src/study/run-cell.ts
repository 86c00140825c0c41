import { runGroup } from '@learngene/training/node'
import { fingerprintOf } from '../run/build-recipe.js'
import { type Computing, computingOf } from '../run/program.js'
import type { WorkerResult } from '../run/worker.js'
import type { UnitLine, UnitOptions } from '../units/unit-file.js'
import { readStudy } from './study-folder.js'
import type { StudyWorkerInput } from './worker.js'

/** Runs one unit of a study: a stage that cells share, or what a cell has to itself. */
export async function runCell(
  dir: string,
  { cell: name, stage, key }: Pick<UnitLine, 'cell' | 'stage' | 'key'>,
  { backend = 'auto', workers, report, signal, checkpointEvery }: UnitOptions,
): Promise<Computing & { readonly ran: boolean }> {
  const cell = (await readStudy(dir)).cells.find((each) => each.name === name)
  if (!cell) throw new Error(`${dir} has no cell '${name}' any more; plan the study again`)
  const computing = await computingOf({ config: cell.config, backend, workers, report, signal })
  const fingerprint = await fingerprintOf(cell.config.ancestor)
  const input: StudyWorkerInput = { dir, cell, stage, key, fingerprint, checkpointEvery, backend: computing.backend }
  const module = new URL('./study/worker.js', import.meta.url)
  const { ran } = await runGroup<WorkerResult>({ size: computing.workers, module, input, report, signal })
  return { ...computing, ran }
}
