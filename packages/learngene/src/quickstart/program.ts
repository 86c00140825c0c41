import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Budget, Reporter } from '@learngene/interfaces'
import { runGroup } from '@learngene/training/node'
import { UsageError } from '../errors.js'
import { renderHtml } from '../report/html/index.js'
import { commitRunDirectory, discardRunDirectory, prepareRunDirectory } from '../run-directory.js'
import { version } from '../version.js'
import { type QuickstartConfig, readConfig } from './config.js'
import { VERIFIED_IMAGES } from './pipeline.js'
import type { QuickstartReport } from './report.js'
import { defaultWorkers, resolveBackend } from './resolve-backend.js'
import { logitsInNewProcess, relativeDifference } from './verify-extracted.js'
import type { WorkerInput, WorkerResult } from './worker.js'

export interface QuickstartOptions {
  /** Where the run goes; an earlier quickstart there is replaced when this one is complete. */
  readonly outDir: string
  readonly seed: number
  /** Threads that train and evaluate together; default two, or one where the backend uses more than a thread by itself. */
  readonly workers?: number
  readonly backend: BackendName | 'auto'
  /** Caps of the chosen descendant; the configuration's where not given. */
  readonly budget?: Budget
  /** A folder with the full Fashion-MNIST; the embedded subset where not given. */
  readonly dataDir?: string
  /** JSON or a module with values in place of the default configuration's. */
  readonly configFile?: string
  /** Replaces whatever is in `outDir`. */
  readonly force: boolean
  readonly report: Reporter
  readonly signal: AbortSignal
}

const MODEL = 'descendant.safetensors'

/**
 * The main job: the whole method on Fashion-MNIST, written to `outDir` as report.json, report.html, the pool and the chosen model.
 *
 * @throws UsageError for a wrong configuration; InfeasibleBudgetError's message where no descendant keeps the budget. Nothing on disk is changed then
 */
export async function runQuickstart(options: QuickstartOptions): Promise<QuickstartReport> {
  const { outDir, seed, dataDir, force, report, signal } = options
  const started = performance.now()
  const config = await readConfig(options.configFile, { budget: options.budget })
  const { budget } = config
  const backend = options.backend === 'auto' ? await chooseBackend(report, signal) : options.backend
  const workers = options.workers ?? defaultWorkers(backend)
  checkBatchSizes(config, workers)
  const run = await prepareRunDirectory(outDir, 'quickstart', { force })
  try {
    const input: WorkerInput = { config, seed, backend, dataDir, budget }
    const result = await runGroup<WorkerResult>({
      size: workers,
      module: new URL('./quickstart/worker.js', import.meta.url),
      input,
      report,
      signal,
    })
    await mkdir(join(run.path, 'pool'))
    for (const [file, bytes] of result.pool) await writeFile(join(run.path, 'pool', file), bytes)
    const model = join(run.path, MODEL)
    await writeFile(model, result.choice.model)

    report({ kind: 'stage', name: 'reload the chosen descendant in a new process' })
    const process = new URL('./quickstart/verify-process.js', import.meta.url)
    const logits = await logitsInNewProcess(process, { model, backend, dataDir, images: VERIFIED_IMAGES }, signal)
    const { path, runnerUp, why } = result.choice
    const described: QuickstartReport = {
      schema: 2,
      command: 'quickstart',
      version,
      seed,
      backend: result.backend,
      workers,
      config,
      ...result.report,
      choice: {
        budget,
        path,
        runnerUp,
        why,
        file: MODEL,
        logitDifference: relativeDifference(logits, result.choice.logits),
        comparedImages: VERIFIED_IMAGES,
      },
      times: { ...result.times, total: (performance.now() - started) / 1000 },
    }
    await writeFile(join(run.path, 'report.json'), `${JSON.stringify(described, null, 2)}\n`)
    await writeFile(join(run.path, 'report.html'), renderHtml(described))
    await commitRunDirectory(run)
    return described
  } catch (error) {
    await discardRunDirectory(run)
    throw error
  }
}

/** The backend that `auto` takes here; tells it, and why it is not a faster one. */
async function chooseBackend(report: Reporter, signal: AbortSignal): Promise<BackendName> {
  const { name, tried } = await resolveBackend(new URL('./quickstart/probe-process.js', import.meta.url), signal)
  report({ kind: 'message', text: [`computes on ${name}`, ...tried.map(({ name, reason }) => `  not on ${name}: ${reason}`)].join('\n') })
  return name
}

/** Members of a group take equal shares of each batch. */
function checkBatchSizes({ distillation, fineTuning }: QuickstartConfig, workers: number): void {
  for (const [name, { batchSize }] of Object.entries({ distillation, fineTuning })) {
    if (batchSize % workers > 0) {
      throw new UsageError(`${name}.batchSize must divide by the number of workers; got ${batchSize} images and ${workers} workers`)
    }
  }
}
