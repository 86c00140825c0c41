import { composeCascade, type LatencyProfile } from '@learngene/bench/latency'
import { fits, pareto } from '@learngene/budget-search'
import { type Answers, type CascadeCandidate, type CascadeScore, cascadeCandidates, scoreCascade } from '@learngene/budget-search/cascades'
import type { Budget } from '@learngene/interfaces'
import { disposePool, type Outcomes } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { decodeOutcomes, OUTCOMES, type RunOutcomes } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import type { RunReport } from '@learngene/recipe/reports'
import {
  type CascadePaths,
  type ConfidenceName,
  costOfCascade,
  descendantOf,
  formatCascade,
  formatPath,
  parsePath,
  sharedFrontMacs,
} from '@learngene/stitch'
import type { Network } from '@learngene/vit-blocks'
import { poolOfRun } from '../read-run.js'
import { commandText } from '../report/next.js'
import { registryOfRun } from '../run/own-values.js'
import { stagesOfRun } from '../run/run-folder.js'
import { startBackend } from '../start-backend.js'
import type { CascadeRow } from './run-rows.js'

export interface CascadeOptions {
  /** On parameters, memory, MACs and latency. */
  readonly caps: Budget
  /** Default the probability. */
  readonly confidence?: ConfidenceName
  /** Of batch 1; the cascades that are best by latency are told then. */
  readonly profile?: LatencyProfile
}

/** So many are gathered before those that others exceed are let go. */
const GATHERED = 20_000

/**
 * The cascades of a run's descendants within a budget that no other exceeds in validation accuracy at its expected MACs, or latency where there is a profile. Nothing is run: they are told from what each descendant made of
 * each image when the run was evaluated.
 *
 * @throws when the run was evaluated by a version that did not keep it
 */
export async function cascadesOfRun(
  run: string,
  report: RunReport,
  { caps: budget, confidence = 'probability', profile }: CascadeOptions,
): Promise<CascadeRow[]> {
  const outcomes = await outcomesOfRun(run, report)
  const answers = answersOf(report, outcomes, 'validation', confidence)
  const tested = answersOf(report, outcomes, 'test', confidence)
  return withNetworks(run, report, outcomes.paths, (networks) => {
    const pairOf = (small: number, large: number) => ({ small: networks[small]!, large: networks[large]! })
    const shared = (small: number, large: number) => sharedFrontMacs(networks[small]!, networks[large]!)
    const isCapped = budget.parameters !== undefined || budget.memory !== undefined
    const pairs = (small: number, large: number) => {
      if (!isCapped) return true
      const { parameters, memory } = costOfCascade(pairOf(small, large), 1)
      return fits({ parameters, memory }, { parameters: budget.parameters, memory: budget.memory })
    }
    const timesOf = profile && timesOfPairs(profile, pairOf)
    const cost = timesOf ? 'latency' : 'macs'
    let rows: ReturnType<typeof candidateOf>[] = []
    for (const found of cascadeCandidates(answers, { shared, pairs })) {
      const latency = timesOf && mean(timesOf(found), found.passedOn)
      if (found.macs > (budget.macs ?? Number.POSITIVE_INFINITY) || (latency ?? 0) > (budget.latency ?? Number.POSITIVE_INFINITY)) continue
      rows.push(candidateOf(found, latency))
      if (rows.length > GATHERED) rows = pareto(rows, { cost })
    }
    return pareto(rows, { cost }).map(({ value: { small, large, threshold, ...found } }) => {
      const test = scoreCascade(tested[small]!, tested[large]!, threshold, shared(small, large))
      const row = rowOf([outcomes.paths[small]!, outcomes.paths[large]!], pairOf(small, large), { threshold, confidence }, found, test)
      if (!timesOf) return row
      const times = timesOf({ small, large })
      return { ...row, latency: mean(times, found.passedOn), worstLatency: rounded(times.both) }
    })
  })
}

type Pair = Pick<CascadeCandidate, 'small' | 'large'>

/** Times of each pair, composed once. */
function timesOfPairs(profile: LatencyProfile, pairOf: (small: number, large: number) => Parameters<typeof composeCascade>[1]) {
  const known = new Map<string, ReturnType<typeof composeCascade>>()
  return ({ small, large }: Pair) => {
    const key = `${small} ${large}`
    const times = known.get(key) ?? composeCascade(profile, pairOf(small, large))
    known.set(key, times)
    return times
  }
}

const mean = ({ alone, both }: ReturnType<typeof composeCascade>, passedOn: number) => rounded(alone + passedOn * (both - alone))

/** As times of descendants are. */
const rounded = (ms: number) => Number(ms.toPrecision(6))

/** A cascade of two paths by what it comes to on validation and on test images. */
function rowOf(
  [small, large]: readonly [string, string],
  networks: { readonly small: Network; readonly large: Network },
  { threshold, confidence }: { readonly threshold: number; readonly confidence: string },
  validation: CascadeScore,
  test: CascadeScore,
): CascadeRow {
  return {
    path: formatCascade({ small: parsePath(small), large: parsePath(large), threshold, confidence }),
    ...{ small, large, threshold },
    ...costOfCascade(networks, validation.passedOn),
    validationAccuracy: validation.score,
    testAccuracy: test.score,
    passedOn: validation.passedOn,
    testPassedOn: test.passedOn,
    testMacs: test.macs,
  }
}

const candidateOf = (value: CascadeCandidate, latency?: number) => ({
  value,
  key: `${value.small} ${value.large}`,
  measures: { macs: value.macs, ...(latency !== undefined && { latency }) },
  score: value.score,
})

/**
 * What the run's images say of one cascade.
 *
 * @throws as {@link cascadesOfRun}; when a path was not evaluated or the confidence was not kept
 */
export async function cascadeOfRun(
  run: string,
  report: RunReport,
  { small, large, threshold, confidence = 'probability' }: CascadePaths,
): Promise<CascadeRow> {
  const outcomes = await outcomesOfRun(run, report)
  const at = [small, large].map((path) => {
    const text = formatPath(path)
    const index = outcomes.paths.indexOf(text)
    if (index < 0)
      throw new Error(`${run}: a cascade must be of paths that the run evaluated; ${text} is none of its ${outcomes.paths.length}`)
    return index
  })
  const [first, second] = at as [number, number]
  const [answers, tested] = (['validation', 'test'] as const).map((part) => answersOf(report, outcomes, part, confidence)) as [
    Answers[],
    Answers[],
  ]
  const paths = [outcomes.paths[first]!, outcomes.paths[second]!] as const
  return withNetworks(run, report, paths, ([small, large]) => {
    const networks = { small: small!, large: large! }
    const shared = sharedFrontMacs(networks.small, networks.large)
    const [validation, test] = [answers, tested].map((each) => scoreCascade(each[first]!, each[second]!, threshold, shared))
    return rowOf(paths, networks, { threshold, confidence }, validation!, test!)
  })
}

/** @throws where the run has not kept them */
async function outcomesOfRun(run: string, { command }: RunReport): Promise<RunOutcomes> {
  const found = await diskStore(stagesOfRun(run)).find('evaluate')
  if (found.state === 'whole' && found.value.manifest.files[OUTCOMES]) return decodeOutcomes(await found.value.read(OUTCOMES))
  throw new Error(
    `${run}: cascades are told from what each descendant made of each image, and the run has not kept it${found.state === 'whole' ? ', as an earlier version evaluated it' : ''}; evaluate it anew (nothing is trained) with: ${commandText(command, '--out', run)}`,
  )
}

function answersOf(
  { descendants }: RunReport,
  { paths, ...parts }: RunOutcomes,
  part: 'validation' | 'test',
  confidence: string,
): Answers[] {
  const macs = new Map(descendants.map((row) => [row.path, row.macs]))
  return parts[part].map((outcomes: Outcomes, i) => {
    const values = outcomes.confidence[confidence]
    if (!values)
      throw new Error(
        `a cascade's confidence must be one that the run has kept, ${Object.keys(outcomes.confidence).join(', ')}; got ${confidence}`,
      )
    return { macs: macs.get(paths[i]!) ?? Number.NaN, confidence: values, correct: outcomes.correct }
  })
}

/** The descendants of paths, in a pool that is there as long as they are used. */
async function withNetworks<T>(
  run: string,
  report: RunReport,
  paths: readonly string[],
  use: (networks: readonly Network[]) => T,
): Promise<T> {
  const dir = await poolOfRun(run, report)
  await startBackend('wasm')
  const own = await registryOfRun(run)
  const pool = await loadPool(dir, { parts: own, spaces: own?.spaces })
  try {
    return use(
      paths.map((path) => {
        const found = pool.space.find(parsePath(path))
        if (!found)
          throw new Error(
            `${run}: its pool must have every path that it evaluated; it has no ${path}: one of the two was changed or damaged`,
          )
        return descendantOf(pool, found)
      }),
    )
  } finally {
    disposePool(pool)
  }
}
