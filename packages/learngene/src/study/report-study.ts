import { join } from 'node:path'
import type { Reporter } from '@learngene/interfaces'
import type { FoundReport, NestedInfo, PlannedStage } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import { cellPlanner } from './plan-study.js'
import { BOTH_DIRECTIONS, QUESTIONS, type Question } from './questions.js'
import { RESULTS, readStudy, type StudyCell, stagesOfStudy, TABLES } from './study-folder.js'

/** What was measured of one cell, by name; shares from 0 to 1, and numbers of parameters and MACs. */
export type Measures = { readonly [measure: string]: number }

export interface StudyRow {
  readonly variant: string
  readonly start: 'inherit' | 'random'
  /** Of the seeds that ran; sample standard deviation, 0 of one. */
  readonly seeds: readonly number[]
  readonly measures: { readonly [measure: string]: { readonly mean: number; readonly deviation: number } }
}

export interface StudyReport {
  readonly schema: 1
  readonly scale: string
  readonly questions: readonly {
    readonly question: number
    readonly title: string
    readonly rows: readonly StudyRow[]
    readonly open: readonly string[]
  }[]
  /** Names of the cells that have not run. */
  readonly open: readonly string[]
  readonly cells: number
  /** Seconds of all stages that ran, each once, over all that they took. */
  readonly seconds: number
}

/** Shown in this order; accuracies are of test images, and what is chosen is chosen on validation images. */
const MEASURES: { readonly [measure: string]: string } = {
  smallestMacs: 'smallest: M MACs',
  smallestParameters: 'parameters',
  smallest: 'smallest, %',
  untuned: 'stitched before tuning, %',
  stitched: 'stitched, %',
  best: 'best, %',
  withinHalf: 'best in half the MACs, %',
  ascending: 'narrow to wide, %',
  descending: 'wide to narrow, %',
  stored: 'stored parameters',
  ancestor: 'ancestor, %',
}

/** Writes what has run of a study to its folder as Markdown and JSON. @throws Error of one line where the folder is no study */
export async function reportStudy(dir: string, report: Reporter): Promise<StudyReport> {
  const { scale, questions, cells } = await readStudy(dir)
  const found = new Map<StudyCell, Measures>()
  const planOf = cellPlanner(dir)
  const seconds = new Map<string, number>()
  report({ kind: 'stage', name: 'read the results', total: cells.length })
  for (const [i, cell] of cells.entries()) {
    const stages = await planOf(cell)
    const measures = await measuresOf(dir, cell, stages, seconds)
    if (measures) found.set(cell, measures)
    report({ kind: 'progress', done: i + 1, total: cells.length })
  }
  const described: StudyReport = {
    schema: 1,
    scale,
    questions: questions.map((question) => {
      const own = cells.filter(({ questions }) => questions.includes(question))
      return {
        question,
        title: QUESTIONS[question as Question],
        rows: rowsOf(own, found),
        open: namesOf(own.filter((cell) => !found.has(cell))),
      }
    }),
    open: namesOf(cells.filter((cell) => !found.has(cell))),
    cells: cells.length,
    seconds: [...seconds.values()].reduce((sum, each) => sum + each, 0),
  }
  await writeFileAtomically(join(dir, RESULTS), `${JSON.stringify(described, null, 2)}\n`)
  await writeFileAtomically(join(dir, TABLES), renderStudy(described))
  return described
}

const namesOf = (cells: readonly StudyCell[]) => cells.map(({ name }) => name)

/** What a cell has come to; undefined where it has not run. */
async function measuresOf(
  dir: string,
  cell: StudyCell,
  stages: readonly PlannedStage[],
  seconds: Map<string, number>,
): Promise<Measures | undefined> {
  const store = diskStore(stagesOfStudy(dir), Object.fromEntries(stages.map(({ stage, key }) => [stage.name, key])))
  for (const { stage, key } of stages) {
    if (seconds.has(key)) continue
    const artifact = await store.find(stage.name)
    if (artifact.state === 'whole' && artifact.value.manifest.key === key) seconds.set(key, artifact.value.manifest.account?.seconds ?? 0)
  }
  const { key } = stages.find(({ stage }) => stage.name === cell.stage)!
  const last = await store.find(cell.stage)
  if (last.state !== 'whole' || last.value.manifest.key !== key) return undefined
  const { info } = last.value
  return cell.stage === 'nested' ? measuresOfNested(info as unknown as NestedInfo) : measuresOfPool(cell, info as unknown as FoundReport)
}

interface Row {
  readonly macs: number
  readonly parameters: number
  readonly validationAccuracy: number
  readonly testAccuracy: number
}

function measuresOfModels(rows: readonly Row[]): Measures {
  const least = rows.reduce((a, b) => (b.macs < a.macs ? b : a))
  const most = Math.max(...rows.map(({ macs }) => macs))
  const best = (within: number) =>
    rows.filter(({ macs }) => macs <= within).reduce((a, b) => (b.validationAccuracy > a.validationAccuracy ? b : a)).testAccuracy
  return {
    smallestMacs: least.macs,
    smallestParameters: least.parameters,
    smallest: least.testAccuracy,
    best: best(most),
    ...(least.macs <= most / 2 && { withinHalf: best(most / 2) }),
  }
}

const measuresOfNested = ({ models, parameters }: NestedInfo): Measures => ({ ...measuresOfModels(models), stored: parameters })

function measuresOfPool(cell: StudyCell, { descendants, storage, ancestor }: FoundReport): Measures {
  const stitched = descendants.filter((row) => row.stitched)
  const mean = (rows: readonly { readonly testAccuracy: number }[]) => rows.reduce((sum, row) => sum + row.testAccuracy, 0) / rows.length
  const untuned = stitched.map((row) => ({ testAccuracy: row.untrainedAccuracy }))
  const one = stitched.filter(({ path }) => path.split('>').length === 2)
  const up = one.filter(({ path }) => ascends(path))
  const down = one.filter(({ path }) => !ascends(path))
  return {
    ...measuresOfModels(descendants),
    ...(stitched.length > 0 && { stitched: mean(stitched), untuned: mean(untuned) }),
    ...(cell.variant === BOTH_DIRECTIONS && up.length > 0 && down.length > 0 && { ascending: mean(up), descending: mean(down) }),
    stored: storage.pool.parameters,
    ancestor: ancestor.testAccuracy,
  }
}

/** Whether the second tier of `w12d4[0-1]>w24d4[2-3]` is the wider one. */
function ascends(path: string): boolean {
  const [front, back] = path.split('>').map((segment) => Number(/w(\d+)/.exec(segment)?.[1]))
  return back! > front!
}

function rowsOf(cells: readonly StudyCell[], found: ReadonlyMap<StudyCell, Measures>): StudyRow[] {
  const groups = new Map<string, StudyCell[]>()
  for (const cell of cells) {
    if (!found.has(cell)) continue
    const name = `${cell.variant}\n${cell.start}`
    groups.set(name, [...(groups.get(name) ?? []), cell])
  }
  return [...groups.values()].map((group) => {
    const measured = group.map((cell) => found.get(cell)!)
    const names = Object.keys(MEASURES).filter((name) => measured.every((each) => each[name] !== undefined))
    return {
      variant: group[0]!.variant,
      start: group[0]!.start,
      seeds: group.map(({ seed }) => seed),
      measures: Object.fromEntries(names.map((name) => [name, spread(measured.map((each) => each[name]!))])),
    }
  })
}

/** Mean and sample standard deviation. */
function spread(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 }
}

/** The tables of a study, a section for each question. */
export function renderStudy({ scale, questions, open, cells, seconds }: StudyReport): string {
  const sections = questions.map(({ question, title, rows, open }) => {
    const names = Object.keys(MEASURES).filter((name) => rows.some(({ measures }) => measures[name]))
    const head = ['', 'tiers', 'seeds', ...names.map((name) => MEASURES[name]!)]
    const lines = rows.map(({ variant, start, seeds, measures }) => [
      variant,
      start === 'inherit' ? 'inherited' : 'random',
      String(seeds.length),
      ...names.map((name) => cellText(name, measures[name], seeds.length)),
    ])
    const table = rows.length > 0 ? `${tableOf(head, lines)}\n` : 'Nothing has run yet.\n'
    const left = open.length > 0 ? `\nOpen: ${open.join(', ')}.\n` : ''
    return `## ${question} ${title}\n\n${table}${left}`
  })
  const ran = `${cells - open.length} of ${cells} cells have run, ${Math.round(seconds)} s of computing. Test accuracies in percent, mean ± standard deviation over seeds; what is chosen is chosen on validation images.`
  return `# A study, scale ${scale}\n\n${ran}\n\n${sections.join('\n')}`
}

/** A deviation only where there are several seeds to have one. */
function cellText(name: string, measure: StudyRow['measures'][string] | undefined, seeds: number): string {
  if (!measure) return '-'
  const { mean, deviation } = measure
  if (name === 'smallestMacs') return (mean / 1e6).toFixed(2)
  if (name === 'stored' || name === 'smallestParameters') return Math.round(mean).toLocaleString('en-US')
  const percent = (share: number) => (100 * share).toFixed(1)
  return seeds > 1 ? `${percent(mean)} ± ${percent(deviation)}` : percent(mean)
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map((_, i) => (i < 2 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
