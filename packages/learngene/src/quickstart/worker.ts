import type { BackendName } from '@learngene/backends'
import { loadFashionMnist } from '@learngene/datasets/node'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import type { Budget, Reporter } from '@learngene/interfaces'
import type { Group } from '@learngene/training'
import { startBackend } from '../start-backend.js'
import type { QuickstartConfig } from './config.js'
import { type PipelineResult, runPipeline } from './pipeline.js'

export interface WorkerInput {
  readonly config: QuickstartConfig
  readonly seed: number
  readonly backend: BackendName | 'auto'
  readonly budget: Budget
  /** A folder with the full Fashion-MNIST; the embedded subset where it is not given. */
  readonly dataDir?: string
}

export interface WorkerResult extends PipelineResult {
  readonly backend: { readonly name: string; readonly version: string }
}

/** One member of the quickstart's group, in a thread of its own. */
export async function main(group: Group, input: WorkerInput, report: Reporter): Promise<WorkerResult> {
  const { name, version } = await startBackend(input.backend)
  const { train, test } = input.dataDir ? await loadFashionMnist(input.dataDir) : { train: await loadTrain(), test: await loadTest() }
  const { config, seed, budget } = input
  const result = await runPipeline(group, { config, seed, budget, ancestor: await readAncestor(), train, test }, report)
  return { ...result, backend: { name, version } }
}
