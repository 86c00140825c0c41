import type { Reporter, Rng } from '@learngene/interfaces'
import { alone, type Group } from '@learngene/training'
import { requireArguments, requireKeys } from '@learngene/vit-blocks'
import { keepAccount } from './account.js'
import type { MetricsLog } from './metrics.js'
import { isShareOf, type PlannedStage, planStages, type Stage, type StageInputs } from './plan.js'
import type { Artifact, ArtifactStore, Checkpoint, Found } from './store.js'

export interface RunStagesOptions {
  /** In a group each member opens the same one, of a kind that threads share: on disk, or of a page. */
  readonly store: ArtifactStore
  /** Each stage takes the fork by its name. */
  readonly rng: Rng
  /** Who runs the stages together; default alone. */
  readonly group?: Group
  readonly report?: Reporter
  /** Ends the run between two stages, and inside those that look at it, with its reason. */
  readonly signal?: AbortSignal
  /** Runs these stages and no other. What they need must stand. */
  readonly only?: readonly string[]
  /** Steps from one checkpoint to the next; default 100. */
  readonly checkpointEvery?: number
  /** Keeps the stages' numbers; default: nobody does. */
  readonly metrics?: MetricsLog
  /** Where others run stages of the same store: waits until nobody else runs this one. Of rank 0. */
  readonly lock?: StageLock
}

/** Resolves when the stage is ours. */
export type StageLock = (stage: string) => Promise<{ release(): Promise<void> }>

export interface StageOutcome {
  readonly stage: string
  /** Whether it ran, or its artifact stood. */
  readonly ran: boolean
}

/**
 * Runs, in the order of their needs, the stages whose artifacts do not stand: those that are missing or damaged, and those whose key has
 * changed and with them all that depend on them. A stage that was interrupted goes on from its checkpoint. Artifacts of stages that are not
 * in the list are left alone.
 *
 * @returns what became of each stage that was asked for
 * @throws Error of one line from planning, storing, or where `only` names a stage that needs one which does not stand; what a stage throws;
 * the signal's reason
 */
export async function runStages(stages: readonly Stage[], options: RunStagesOptions): Promise<readonly StageOutcome[]> {
  requireKeys('runStages', options, ['store', 'rng', 'group', 'report', 'signal', 'only', 'checkpointEvery', 'metrics', 'lock'])
  requireArguments('runStages', { rng: ['rng', options.rng], store: ['object', options.store] })
  const { store, only, signal, lock, group = alone, checkpointEvery = 100 } = options
  if (!Number.isInteger(checkpointEvery) || checkpointEvery < 1) {
    throw new Error(`runStages: checkpointEvery must be a positive integer; got ${checkpointEvery}`)
  }
  const plan = await planStages(stages)
  const wanted = select(plan, only)
  const report: Reporter = group.rank === 0 ? (options.report ?? (() => {})) : () => {}
  const outcomes: StageOutcome[] = []
  for (const planned of wanted) {
    signal?.throwIfAborted()
    let held: Awaited<ReturnType<StageLock>> | undefined
    try {
      const stands = await decide(group, planned, async () => {
        if (await doesStand(planned, store, report)) return true
        if (!lock) return false
        // What a stage needs that is not there, nobody should wait for.
        await inputsOf(planned, plan, store)
        held = await lock(planned.stage.name)
        return doesStand(planned, store, report)
      })
      outcomes.push({ stage: planned.stage.name, ran: !stands })
      if (!stands) await runStage(planned, plan, { ...options, group, report, checkpointEvery })
    } finally {
      await held?.release()
    }
  }
  return outcomes
}

/** Whether a stage's artifact is there, whole, and that of this recipe. */
async function doesStand({ stage, key }: PlannedStage, store: ArtifactStore, report: Reporter): Promise<boolean> {
  const found = await store.find(stage.name)
  if (found.state === 'damaged') report({ kind: 'message', text: found.problem })
  if (found.state !== 'whole' || found.value.manifest.key !== key) return false
  const problem = await problemOf(found.value)
  if (problem !== undefined) {
    report({ kind: 'message', text: `${problem}; it counts as absent` })
    return false
  }
  await store.removeCheckpoint(stage.name)
  return true
}

type Settled = RunStagesOptions & Required<Pick<RunStagesOptions, 'group' | 'report' | 'checkpointEvery'>>

async function runStage(planned: PlannedStage, plan: readonly PlannedStage[], options: Settled): Promise<void> {
  const { stage, key, depends } = planned
  const { store, rng, group, report, signal, checkpointEvery, metrics } = options
  const inputs = await inputsOf(planned, plan, store)
  const last = await lastCheckpoint(planned, options)
  const account = keepAccount(last?.account)
  const writes = group.rank === 0
  if (writes) await metrics?.rewind(stage.name, last?.step ?? 0)
  const amounts = { ...(stage.steps !== undefined && { total: stage.steps }), ...(last && { done: last.step }) }
  report({ kind: 'stage', name: stage.title ?? stage.name, ...amounts })
  if (last) report({ kind: 'message', text: `${stage.name} goes on after step ${last.step}` })
  const shares = async () => (await store.list()).filter((artifact) => isShareOf(artifact, stage.name, key))
  const { files, info = {} } = await stage.run(
    {
      stage: stage.name,
      key,
      rng: rng.fork(stage.name),
      report,
      ...(signal && { signal }),
      group,
      metrics: (step, values) => {
        if (writes) metrics?.add({ stage: stage.name, step, values })
      },
      checkpoint: {
        every: checkpointEvery,
        ...(last && { last }),
        async save(content, { step, total = stage.steps }) {
          if (!writes) return
          await metrics?.flush()
          await store.saveCheckpoint(stage.name, key, content, { step, ...(total !== undefined && { total }), account: account.current() })
        },
      },
      account,
      shares: async () => (writes && stage.share ? shares() : []),
    },
    inputs,
  )
  if (writes) {
    await metrics?.flush()
    await store.write(stage.name, key, files, info, { depends, account: account.current() })
    if (stage.share) for (const share of await shares()) await store.remove(share.stage)
  }
  group.barrier()
}

/** What is wrong with the bytes of an artifact, which nobody looks at otherwise until a number is wrong. */
const problemOf = (artifact: Artifact): Promise<string | undefined> =>
  artifact.verify().then(
    () => undefined,
    (error: Error) => error.message,
  )

/** The artifacts that a stage reads. @throws Error naming the first that does not stand */
async function inputsOf({ stage, depends }: PlannedStage, plan: readonly PlannedStage[], store: ArtifactStore): Promise<StageInputs> {
  const inputs: { [stage: string]: Artifact } = {}
  for (const need of stage.needs) {
    const found = await store.find(need)
    if (found.state === 'damaged') throw new Error(`'${stage.name}' needs '${need}': ${found.problem}; run '${need}' again`)
    if (found.state === 'absent') throw new Error(`'${stage.name}' needs '${need}', which has not run; run it first`)
    if (found.value.manifest.key !== depends.needs[need]) {
      const { key } = plan.find((each) => each.stage.name === need)!
      throw new Error(
        `'${stage.name}' needs '${need}' with key ${key.slice(0, 8)}; the one in ${store.name} has key ${found.value.manifest.key.slice(0, 8)}, as the recipe was another; run '${need}' again`,
      )
    }
    inputs[need] = found.value
  }
  return inputs
}

/** The checkpoint from which a stage goes on, the same on all members. */
async function lastCheckpoint(planned: PlannedStage, { store, group, report }: Settled): Promise<Checkpoint | undefined> {
  const { stage, key } = planned
  let found: Found<Checkpoint> | undefined
  const there = await decide(group, planned, async () => {
    found = await store.loadCheckpoint(stage.name, key)
    if (found.state === 'damaged') report({ kind: 'message', text: found.problem })
    return found.state === 'whole'
  })
  if (!there) return
  found ??= await store.loadCheckpoint(stage.name, key)
  // Nobody may go on before all have read it: rank 0 will write the next in its place.
  group.barrier()
  if (found.state === 'whole') return found.value
  throw new Error(
    `the checkpoint of '${stage.name}' must be the same for all members of the group; worker ${group.rank} finds it ${found.state}`,
  )
}

function select(plan: readonly PlannedStage[], only: readonly string[] | undefined): readonly PlannedStage[] {
  if (only === undefined) return plan
  const names = plan.map(({ stage }) => stage.name)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`runStages: only must name stages; '${unknown}' is none. The stages are ${names.join(', ')}`)
  return plan.filter(({ stage }) => only.includes(stage.name))
}

/**
 * What rank 0 finds, known to all: the others may look at a moment when it has changed, and members that disagree would wait for each other
 * for ever.
 *
 * @throws Error on a member whose stage has another key than rank 0's
 */
async function decide(group: Group, { stage, key }: PlannedStage, find: () => Promise<boolean>): Promise<boolean> {
  if (group.size === 1) return find()
  const shared = new Uint8Array(await group.share(`stage ${stage.name}`, 1 + key.length))
  const mine = new TextEncoder().encode(key)
  if (group.rank === 0) {
    shared[0] = (await find()) ? 1 : 0
    shared.set(mine, 1)
  }
  group.barrier()
  if (mine.some((byte, i) => shared[1 + i] !== byte)) {
    throw new Error(
      `all members of a group must run the same recipe; worker ${group.rank} has other settings of '${stage.name}' than worker 0`,
    )
  }
  return shared[0] === 1
}
