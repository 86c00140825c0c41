import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { type Artifact, type PlannedStage, plan } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import { buildRecipe, fingerprintOf, readImages } from '../run/build-recipe.js'
import { requireDivisible } from '../run/program.js'
import { findUnreadable } from '../run/readable.js'
import { requireApart } from '../run/require-apart.js'
import { type ListedUnits, writeUnits } from '../units/list-units.js'
import type { UnitLine } from '../units/unit-file.js'
import { version } from '../version.js'
import { type CostModel, costModelOf, macsOfStage } from './cost.js'
import { QUESTIONS, type Question, type Variant, variantsOf } from './questions.js'
import { joinResults, ownResults, readResults, writeResults } from './results-file.js'
import { type Scale, SEEDS, type StudyGrid } from './scales.js'
import { imagesOfCell, MEASURED, type PlannedCell, STUDY, type StoredStudy, type StudyCell, stagesOfStudy, UNITS } from './study-folder.js'

export interface StudyOptions {
  readonly dir: string
  readonly scale: Scale
  readonly grid: StudyGrid
  /** Default all. */
  readonly questions?: readonly Question[]
  readonly seeds?: readonly number[]
  /** Files of results: what they tell of cells of this study is not run again. */
  readonly results?: readonly string[]
  readonly backend?: BackendName | 'auto'
  readonly workers?: number
  readonly report: Reporter
  readonly signal: AbortSignal
}

export interface PlannedStudy extends ListedUnits {
  readonly cells: number
  /** Cells whose results stand, as artifacts or as lines of results. */
  readonly done: number
  /** Of the lines of the files of results: how many there are, and how many are of other recipes or images. */
  readonly results: { readonly given: number; readonly other: number }
  /** Multiply-accumulates of what is left, estimated. */
  readonly macs: number
  readonly seconds: number
  /** Multiply-accumulates a second that the estimate takes, and whether they were measured in this study. */
  readonly rate: number
  readonly measured: boolean
}

/** All points of the grid that help to answer one of the questions, for each seed. */
export function cellsOf(
  { base, random, sizes }: StudyGrid,
  questions: readonly Question[] | undefined,
  seeds: readonly number[],
): StudyCell[] {
  const wanted = variantsOf(base, random, sizes).filter(
    (variant) => !questions || variant.questions.some((question) => questions.includes(question)),
  )
  return wanted.flatMap((variant) => seeds.map((seed) => cellOf(variant, seed)))
}

function cellOf({ name, questions, start, config, stage }: Variant, seed: number): StudyCell {
  const label = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return { name: `${label}.${start}.${seed}`, variant: name, questions: [...questions], start, seed, stage, config }
}

/**
 * Writes what a study consists of to its folder, and its units: what several cells share, wave by wave, and then the cells.
 * A study that was planned before goes on: what stands and is the same is not made again.
 *
 * @throws Error of one line where the folder holds something else, or a cell cannot be
 */
export async function planStudy(options: StudyOptions): Promise<PlannedStudy> {
  const { dir, scale, grid, questions, seeds = SEEDS, results = [], backend, workers, report, signal } = options
  await requireStudyFolder(dir)
  await requireApart(dir, grid.base, { force: false })
  if (workers !== undefined) requireDivisible(grid.base, workers)
  const own = await ownResults(dir)
  const given = (await Promise.all(results.map(readResults))).flat()
  const cells = cellsOf(grid, questions, seeds)
  await makeFolder(stagesOfStudy(dir))
  await findUnreadable(dir, await readImages(grid.base), { skip: grid.base.images.skipUnreadable ?? false, report, signal })
  const plans = await planCells(dir, cells, { title: 'plan the cells', report, signal })
  const stands = await standing(dir, plans)
  const kept = joinResults(plans, stands, own, given)
  const asked = questions ?? Object.keys(QUESTIONS).map(Number)
  const study: StoredStudy = { schema: 1, version, scale, questions: [...asked], cells }
  await writeFileAtomically(join(dir, STUDY), `${JSON.stringify(study, null, 1)}\n`)
  await writeResults(dir, kept)

  const open = plans.filter(({ cell }) => !kept.lines.has(cell.name))
  const shared = sharedStages(open, stands)
  const computing = { ...(backend !== undefined && backend !== 'auto' && { backend }), ...(workers !== undefined && { workers }) }
  const last = Math.max(0, ...shared.map(({ wave }) => wave + 1))
  const units = [
    ...shared,
    ...open.map(({ cell, stages }) => {
      const { stage, key } = stages.at(-1)!
      const inputs = Object.fromEntries(stages.filter((each) => each.stage !== stage).map((each) => [each.stage.name, each.key]))
      return { cell: cell.name, stage: stage.name, key, inputs, wave: last }
    }),
  ].map((unit) => ({ of: '.', ...unit, ...computing }))
  const listed = await writeUnits(join(dir, UNITS), units)
  const accounts = [...stands.values()].map(({ manifest }) => manifest.account)
  const model = await costModelOf(dir, plans, accounts)
  const macs = costOfOpen(open, stands, model)
  return {
    ...listed,
    ...{ cells: cells.length, done: cells.length - open.length, results: { given: given.length, other: kept.left } },
    ...{ macs, seconds: macs / model.rate, rate: model.rate, measured: model.measured },
  }
}

/** The cells of a study with the stages that they need. */
export async function planCells(
  dir: string,
  cells: readonly StudyCell[],
  { title, report, signal }: { readonly title: string; readonly report: Reporter; readonly signal?: AbortSignal },
): Promise<readonly PlannedCell[]> {
  report({ kind: 'stage', name: title, total: cells.length })
  const planOf = cellPlanner(dir)
  const plans: PlannedCell[] = []
  for (const [i, cell] of cells.entries()) {
    signal?.throwIfAborted()
    plans.push({ cell, stages: neededFor(await planOf(cell), cell.stage) })
    report({ kind: 'progress', done: i + 1, total: cells.length })
  }
  return plans
}

/** Gives the stages of cells with their keys; images and ancestors that cells share are looked at once. */
function cellPlanner(dir: string): (cell: Pick<StudyCell, 'config' | 'seed'>) => Promise<readonly PlannedStage[]> {
  const images = new Map<string, ReturnType<typeof imagesOfCell>>()
  const ancestors = new Map<string, Promise<string>>()
  const once = <T>(known: Map<string, T>, key: string, make: () => T) => {
    const value = known.get(key) ?? make()
    known.set(key, value)
    return value
  }
  return async ({ config, seed }) => {
    const datasets = await once(images, JSON.stringify(config.images), () => imagesOfCell(dir, config))
    const fingerprint = await once(ancestors, config.ancestor, () => fingerprintOf(config.ancestor))
    return plan(buildRecipe(config, datasets, seed, fingerprint))
  }
}

/** A stage and all before it that it needs, in their order. */
function neededFor(stages: readonly PlannedStage[], last: string): readonly PlannedStage[] {
  const names = new Set([last])
  for (const { stage } of [...stages].reverse()) if (names.has(stage.name)) for (const need of stage.needs) names.add(need)
  return stages.filter(({ stage }) => names.has(stage.name))
}

/** The artifacts that stand, by key. */
export async function standing(dir: string, plans: readonly PlannedCell[]): Promise<ReadonlyMap<string, Artifact>> {
  const found = new Map<string, Artifact>()
  for (const { stages } of plans) {
    const keys = Object.fromEntries(stages.map(({ stage, key }) => [stage.name, key]))
    const store = diskStore(stagesOfStudy(dir), keys)
    for (const { stage, key } of stages) {
      if (found.has(key)) continue
      const artifact = await store.find(stage.name)
      if (artifact.state === 'whole' && artifact.value.manifest.key === key) found.set(key, artifact.value)
    }
  }
  return found
}

/** What several cells need and does not stand, each once, in waves. */
function sharedStages(
  plans: readonly PlannedCell[],
  stands: ReadonlyMap<string, unknown>,
): readonly Omit<UnitLine, 'schema' | 'of' | 'command'>[] {
  const uses = new Map<string, number>()
  for (const { stages } of plans) for (const { key } of stages) uses.set(key, (uses.get(key) ?? 0) + 1)
  const after = new Map<string, number>()
  const units: Omit<UnitLine, 'schema' | 'of' | 'command'>[] = []
  for (const { cell, stages } of plans) {
    for (const { stage, key, depends } of stages) {
      if (after.has(key) || stands.has(key) || uses.get(key)! < 2) continue
      const wave = Math.max(0, ...Object.values(depends.needs).map((need) => after.get(need) ?? 0))
      after.set(key, wave + 1)
      units.push({ cell: cell.name, stage: stage.name, key, inputs: { ...depends.needs, ...depends.fingerprints }, wave })
    }
  }
  return units.sort((a, b) => a.wave - b.wave)
}

function costOfOpen(open: readonly PlannedCell[], stands: ReadonlyMap<string, unknown>, model: CostModel): number {
  const counted = new Set(stands.keys())
  let macs = 0
  for (const { cell, stages } of open) {
    for (const { stage, key } of stages) {
      if (counted.has(key)) continue
      counted.add(key)
      macs += macsOfStage(stage.name, cell.config, model)
    }
  }
  return macs
}

/** @throws Error where the folder holds something that is no study */
async function requireStudyFolder(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw new Error(`${dir} cannot be a study's folder: ${error.message}`)
  })
  if (entries.length > 0 && ![STUDY, MEASURED, 'stages'].some((each) => entries.includes(each)))
    throw new Error(`${dir} is not empty and no study: it holds ${entries.slice(0, 3).join(', ')}; name another directory`)
  for (const entry of entries) if (entry.endsWith('.tmp')) await rm(join(dir, entry), { force: true })
}
