import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { COMPARED, MODEL, type Recipe, resultOf } from '@learngene/recipe'
import { diskStore, lockRun } from '@learngene/recipe/node'
import type { RunReport } from '@learngene/recipe/reports'
import { runGroup } from '@learngene/training/node'
import { openSafetensors } from '@learngene/vit-blocks'
import { replaceFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import { UsageError } from '../errors.js'
import { renderHtml } from '../report/html/index.js'
import { version } from '../version.js'
import { withoutMark } from '../without-mark.js'
import { buildRecipe, fingerprintOf, readImages } from './build-recipe.js'
import type { RunConfig } from './config.js'
import { loadOwn, withoutFunctions } from './own-values.js'
import { asFound, goOnWithout, knownFingerprints, knownUnreadable, lookAtPictures } from './readable.js'
import { keptText, replacedBy, replacedText } from './replaced.js'
import { requireApart } from './require-apart.js'
import { defaultWorkers, resolveBackend } from './resolve-backend.js'
import { DESCENDANT, findStoredRun, PAGE, POOL, REPORT, RUN, readStoredRun, type StoredRun, stagesOfRun } from './run-folder.js'
import { type TuneWhen, tuneRun } from './tune-run.js'
import { logitsInNewProcess, relativeDifference } from './verify-extracted.js'
import type { WorkerInput, WorkerResult } from './worker.js'

export interface ProgramOptions {
  readonly command: RunReport['command']
  readonly outDir: string
  readonly config: RunConfig
  /** The module with the functions of the configuration. */
  readonly configFile?: string
  readonly seed: number
  /** Threads that train and evaluate together; default two, or one where the backend uses more than a thread by itself. */
  readonly workers?: number
  readonly backend: BackendName | 'auto'
  /** Starts anew, whatever is in `outDir`. */
  readonly force: boolean
  /** Waits where another run is at work in the folder, rather than refuse. */
  readonly wait?: boolean
  readonly checkpointEvery?: number
  /** Whether products are tuned first on webgpu; default `auto`. */
  readonly tune?: TuneWhen
  readonly report: Reporter
  readonly signal: AbortSignal
}

/**
 * Runs all stages of a configuration that have not run in `outDir`, and writes what came out to its root: report.json, report.html, the pool and the chosen descendant.
 *
 * @throws Error of one line; nothing that is finished is lost then, and the next call goes on
 */
export async function runProgram(options: ProgramOptions): Promise<RunReport> {
  const started = performance.now()
  const computing = await computingOf(options)
  return prepareRun(options, async (prepared) => {
    if (computing.backend === 'webgpu') await tuneFor(options, { ...prepared, workers: computing.workers })
    const { used } = await compute(options, computing)
    await stat(join(options.outDir, RUN)).catch(() => {
      throw new Error(`${options.outDir}: the folder has vanished during the run; start again`)
    })
    return publish(options, { ...computing, used, started })
  })
}

/** What is known of a run before it computes. */
export interface PreparedRun {
  /** Nothing of it has run. */
  readonly isNew: boolean
  /** To train on. */
  readonly images: number
  /** That they show. */
  readonly classes: number
  recipe(): Promise<Recipe>
}

/** Before a long new run the ways to compute its products are timed, in a process of its own. */
function tuneFor(
  { tune = 'auto', config, configFile, report, signal }: ProgramOptions,
  { isNew, images, classes, workers }: PreparedRun & Pick<Computing, 'workers'>,
): Promise<void> {
  const module = new URL('./run/tune-process.js', import.meta.url)
  return tuneRun({ when: tune, config: withoutFunctions(config), configFile, isNew, images, classes, workers, module, report, signal })
}

/**
 * Takes a folder for a run, says there what the run is, and looks at its pictures; then `use` has it to itself.
 *
 * @param computes whether `use` makes anew what has run with other settings; otherwise they are refused
 * @throws Error of one line where the folder holds something else, or a picture cannot be read
 */
export async function prepareRun<T>(
  options: ProgramOptions,
  use: (prepared: PreparedRun) => Promise<T>,
  { computes = true }: { readonly computes?: boolean } = {},
): Promise<T> {
  const { outDir, command, config, configFile, seed, force, wait, report, signal } = options
  if (options.workers !== undefined) requireDivisible(config, options.workers)
  await requireApart(outDir, config, { force, configFile })
  await requireRunFolder(outDir, command, force)
  const isNew = force || (await commandOf(outDir)) === undefined
  const lock = await lockRun(outDir, { wait, signal, report })
  try {
    const own = await loadOwn(config, configFile)
    const datasets = await readImages(own)
    // A configuration that cannot be leaves the folder as it was.
    buildRecipe(own, datasets, seed, config.ancestor)
    if (force) await empty(outDir)
    const file = configFile && { configFile: resolve(configFile) }
    const stored: StoredRun = { schema: 1, command, version, seed, config: withoutFunctions(config), ...file }
    // One that cannot be read says nothing of what stands there.
    const before = await findStoredRun(outDir).catch(() => undefined)
    if (!before) await writeStoredRun(outDir, stored)
    // Stores that open a folder which is there do not make it again when somebody removes it.
    await mkdir(stagesOfRun(outDir), { recursive: true })
    const looked = await lookAtPictures(outDir, datasets, { report, signal })
    const recipe = async () => buildRecipe(own, asFound(datasets, looked), seed, await fingerprintOf(config.ancestor))
    if (before) {
      const replaced = await replacedBy(outDir, before, stored, recipe)
      if (replaced && !computes) throw new UsageError(keptText(outDir, replaced))
      if (replaced) report({ kind: 'message', text: replacedText(outDir, replaced) })
      await writeStoredRun(outDir, stored)
    }
    await goOnWithout(outDir, datasets, looked, { skip: config.images.skipUnreadable ?? false, report })
    return await use({ isNew, recipe, images: datasets.training.length, classes: datasets.training.classes.length })
  } finally {
    await lock.release()
  }
}

const writeStoredRun = (dir: string, stored: StoredRun) => writeFileAtomically(join(dir, RUN), `${JSON.stringify(stored, null, 2)}\n`)

/** On what a run computes here. */
export interface Computing {
  readonly backend: BackendName
  readonly workers: number
}

/** @throws UsageError where batches do not divide by the workers, or the backend has no mixed precision that is asked for */
export async function computingOf({
  config,
  report,
  signal,
  ...given
}: Pick<ProgramOptions, 'config' | 'report' | 'signal' | 'backend' | 'workers'>): Promise<Computing> {
  const backend = given.backend === 'auto' ? await chooseBackend(report, signal) : given.backend
  const workers = given.workers ?? defaultWorkers(backend)
  requireDivisible(config, workers)
  requirePrecision(config, backend)
  return { backend, workers }
}

/** Runs in threads what of a prepared run has not run, or one unit of it. */
async function compute(
  { outDir, config, configFile, seed, report, signal, checkpointEvery }: ProgramOptions,
  { backend, workers }: Computing,
  unit?: WorkerInput['unit'],
): Promise<{ readonly used: WorkerResult }> {
  const [fingerprint, leftOut, pictures] = [
    await fingerprintOf(config.ancestor),
    await knownUnreadable(outDir),
    await knownFingerprints(outDir),
  ]
  const plain = withoutFunctions(config)
  const input: WorkerInput = {
    dir: outDir,
    config: plain,
    configFile,
    seed,
    backend,
    fingerprint,
    leftOut,
    pictures,
    checkpointEvery,
    unit,
  }
  const module = new URL('./run/worker.js', import.meta.url)
  return { used: await runGroup<WorkerResult>({ size: workers, module, input, report, signal }) }
}

/** Runs one unit of a run that was prepared; others may run others of it at the same time. @returns whether there was something to do */
export async function runUnitOfRun(
  options: Omit<ProgramOptions, 'command' | 'config' | 'configFile' | 'seed' | 'force' | 'wait'>,
  unit: NonNullable<WorkerInput['unit']>,
): Promise<Computing & { readonly ran: boolean }> {
  const { command, config, configFile, seed } = await readStoredRun(options.outDir)
  const program = { ...options, command, config, configFile, seed, force: false }
  const computing = await computingOf(program)
  const { used } = await compute(program, computing, unit)
  return { ...computing, ran: used.ran }
}

interface Ran extends Computing {
  readonly used: WorkerResult
  readonly started: number
}

/** Writes what a finished run ends with to the root of its folder, each file whole or not at all. */
async function publish(
  { outDir, command, config, configFile, seed, report, signal }: ProgramOptions,
  { backend, workers, used, started }: Ran,
) {
  const result = await resultOf(diskStore(stagesOfRun(outDir)))
  const { pool, choice, times } = result
  await replaceFolder(join(outDir, POOL), async (path) => {
    for (const file of Object.keys(pool.manifest.files)) await writeFile(join(path, file), await pool.read(file))
  })
  const model = join(outDir, DESCENDANT)
  await writeFileAtomically(model, await choice.read(MODEL))

  report({ kind: 'stage', name: 'reload the chosen descendant in a new process' })
  const compared = join(stagesOfRun(outDir), 'choose', COMPARED)
  const logits = await logitsInNewProcess(
    new URL('./run/verify-process.js', import.meta.url),
    { model, compared, backend, ...(config.registry && { configFile }) },
    signal,
  )
  const expected = await (await openSafetensors(await choice.read(COMPARED), { name: COMPARED })).readFloat32('logits')
  const { path, runnerUp, why, budget, comparedImages } = result.report.choice
  const described: RunReport = {
    schema: 2,
    command,
    version,
    seed,
    backend: used.backend,
    workers,
    config: withoutFunctions(config) as unknown as RunReport['config'],
    ...result.report,
    choice: { budget, path, runnerUp, why, file: DESCENDANT, logitDifference: relativeDifference(logits, expected), comparedImages },
    times: { ...times, total: Math.max((performance.now() - started) / 1000, sumOf(times)) },
  }
  await writeFileAtomically(join(outDir, REPORT), `${JSON.stringify(described, null, 2)}\n`)
  await writeFileAtomically(join(outDir, PAGE), renderHtml(described))
  return described
}

/** Seconds of all stages, over all the runs that they took. */
const sumOf = (times: { readonly [stage: string]: number }) => Object.values(times).reduce((total, seconds) => total + seconds, 0)

/** The backend that `auto` takes here; tells it, and why it is not a faster one. */
async function chooseBackend(report: Reporter, signal: AbortSignal): Promise<BackendName> {
  const { name, tried } = await resolveBackend(new URL('./run/probe-process.js', import.meta.url), signal)
  report({ kind: 'message', text: [`computes on ${name}`, ...tried.map(({ name, reason }) => `  not on ${name}: ${reason}`)].join('\n') })
  return name
}

const trainingsOf = ({ distillation, fineTuning, adaptation, model }: RunConfig) =>
  Object.entries({
    distillation,
    fineTuning,
    'adaptation.head': adaptation?.head,
    'adaptation.whole': adaptation?.whole,
    'model.training': model?.training,
  })

/** Found before anything is trained; whether a GPU has the units is found when it trains. */
function requirePrecision(config: RunConfig, backend: BackendName): void {
  for (const [name, plan] of trainingsOf(config)) {
    if (plan?.precision === 'mixed' && backend !== 'webgpu')
      throw new UsageError(
        `${name}.precision 'mixed' needs webgpu on a GPU with matrix units for float16; got the backend ${backend}: take float32`,
      )
  }
}

/** @throws UsageError where a batch does not divide by the workers */
export function requireDivisible(config: RunConfig, workers: number): void {
  for (const [name, plan] of trainingsOf(config)) {
    if (plan && plan.batchSize % workers > 0) {
      throw new UsageError(`${name}.batchSize must divide by the number of workers; got ${plan.batchSize} images and ${workers} workers`)
    }
  }
}

/** @throws Error where the folder holds something else than a run of the command */
async function requireRunFolder(dir: string, command: string, force: boolean): Promise<void> {
  const found = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') throw new Error(`${dir}: a part of the path is a file; name another directory`)
    if (error.code !== 'ENOENT') throw error
  })
  if (!found) return
  if (!found.isDirectory())
    throw new Error(`${dir} is a file; name a directory that does not exist, is empty or holds a run of '${command}'`)
  if (force) {
    const inside = relative(resolve(dir), process.cwd())
    if (!inside.startsWith('..'))
      throw new Error(`${dir} cannot be emptied while the working directory is inside it; start the command from elsewhere`)
    return
  }
  const entries = await readdir(dir)
  const ours = await commandOf(dir)
  if (entries.length === 0 || ours === command) return
  const advice = 'name another directory, or empty it with --force'
  if (ours !== undefined) throw new Error(`${dir} was made by '${ours}', not by '${command}'; ${advice}`)
  const shown = entries.slice(0, 3).join(', ')
  throw new Error(
    `${dir} is not empty and no run of '${command}': it holds ${shown}${entries.length > 3 ? ` and ${entries.length - 3} more` : ''}; ${advice}`,
  )
}

/** Which command's run a folder holds, also one of a version before runs could be resumed. */
async function commandOf(dir: string): Promise<string | undefined> {
  for (const file of [RUN, 'learngene-run.json']) {
    try {
      const { command } = JSON.parse(withoutMark(await readFile(join(dir, file), 'utf8'))) as { command?: unknown }
      if (typeof command === 'string') return command
    } catch {}
  }
  return undefined
}

/** Removes all of a folder but its lock. */
async function empty(dir: string): Promise<void> {
  for (const entry of await readdir(dir)) if (!entry.startsWith('run.lock')) await rm(join(dir, entry), { recursive: true, force: true })
}
