import { join } from 'node:path'
import type { Reporter } from '@learngene/interfaces'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import type { Measures } from './measures.js'
import { planCells, standing } from './plan-study.js'
import { QUESTIONS, type Question } from './questions.js'
import { joinResults, type KeptResults, ownResults, type ResultLine, writeResults } from './results-file.js'
import { RESULTS, readStudy, type StudyCell, TABLES } from './study-folder.js'

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

type Shown = keyof Measures | 'training'

/** Shown in this order; accuracies are of test images, and what is chosen is chosen on validation images. */
const MEASURES: { readonly [measure in Shown]: string } = {
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
  training: 'training, s',
  ancestor: 'ancestor, %',
}

const NAMES = Object.keys(MEASURES) as Shown[]

/** Writes what has run of a study to its folder as Markdown, as JSON and as a file of results. @throws Error of one line where the folder is no study, or its file of results is damaged */
export async function reportStudy(dir: string, report: Reporter): Promise<StudyReport> {
  const { scale, questions, cells } = await readStudy(dir)
  const own = await ownResults(dir)
  const plans = await planCells(dir, cells, { title: 'read the results', report })
  const kept = joinResults(plans, await standing(dir, plans), own)
  const { lines, seconds } = kept
  const left = (of: readonly StudyCell[]) => of.flatMap(({ name }) => (lines.has(name) ? [] : [name]))
  const described: StudyReport = {
    schema: 1,
    scale,
    questions: questions.map((question) => {
      const own = cells.filter(({ questions }) => questions.includes(question))
      return {
        question,
        title: QUESTIONS[question as Question],
        rows: rowsOf(own, lines),
        open: left(own),
      }
    }),
    open: left(cells),
    cells: cells.length,
    seconds,
  }
  await writeResults(dir, kept)
  await writeFileAtomically(join(dir, RESULTS), `${JSON.stringify(described, null, 2)}\n`)
  await writeFileAtomically(join(dir, TABLES), renderStudy(described))
  return described
}

function rowsOf(cells: readonly StudyCell[], lines: KeptResults['lines']): StudyRow[] {
  const groups = new Map<string, ResultLine[]>()
  for (const cell of cells) {
    const line = lines.get(cell.name)
    if (!line) continue
    const name = `${cell.variant}\n${cell.start}`
    groups.set(name, [...(groups.get(name) ?? []), line])
  }
  return [...groups.values()].map((group) => {
    const all = group.map((line) => ({ ...line.measures, training: trainingSeconds(line) }))
    const names = NAMES.filter((name) => all.every((measures) => measures[name] !== undefined))
    return {
      variant: group[0]!.variant,
      start: group[0]!.start,
      seeds: group.map(({ seed }) => seed),
      measures: Object.fromEntries(names.map((name) => [name, spread(all.map((measures) => measures[name]!))])),
    }
  })
}

/** What training the tiers and the pool, or the nested network, took, on whatever machine each ran; undefined where it is not known. */
function trainingSeconds({ stages }: ResultLine): number | undefined {
  const trained = stages.filter(({ stage }) => /^(tier:|tune$|nested$)/.test(stage))
  return trained.length > 0 ? trained.reduce((sum, { seconds }) => sum + seconds, 0) : undefined
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
    const names = NAMES.filter((name) => rows.some(({ measures }) => measures[name]))
    const head = ['', 'tiers', 'seeds', ...names.map((name) => MEASURES[name])]
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
  if (name === 'stored' || name === 'smallestParameters' || name === 'training') return Math.round(mean).toLocaleString('en-US')
  const percent = (share: number) => (100 * share).toFixed(1)
  return seeds > 1 ? `${percent(mean)} ± ${percent(deviation)}` : percent(mean)
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map((_, i) => (i < 2 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
