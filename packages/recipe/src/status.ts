import type { Account } from './account.js'
import { differences } from './differences.js'
import type { Depends } from './manifest.js'
import { planStages, type Stage } from './plan.js'
import type { ArtifactStore } from './store.js'

/** Where a stage stands. */
export type StageState =
  /** Its artifact stands. */
  | { readonly state: 'done'; readonly created: string; readonly account?: Account }
  /** Its artifact is that of another recipe; `changed` names what differs: `settings.steps`, a stage's name, an input's name. */
  | { readonly state: 'stale'; readonly created: string; readonly account?: Account; readonly changed: readonly string[] }
  /** It was interrupted and will go on. Here too its artifact may be damaged. */
  | {
      readonly state: 'checkpoint'
      readonly step: number
      readonly total?: number
      readonly account?: Account
      readonly problem?: string
    }
  /** It has not run; or its artifact or checkpoint is damaged, as `problem` says. */
  | { readonly state: 'missing'; readonly problem?: string }

export type StageStatus = { readonly stage: string; readonly needs: readonly string[]; readonly key: string } & StageState

export interface RunStatus {
  /** In the order in which they run. */
  readonly stages: readonly StageStatus[]
  /** The stage that would run now; undefined when all is done. */
  readonly next: string | undefined
}

/** Where a run stands, from what its store holds; nothing is read but manifests and headers. */
export async function statusOf(stages: readonly Stage[], store: ArtifactStore): Promise<RunStatus> {
  const statuses: StageStatus[] = []
  for (const { stage, key, depends } of await planStages(stages)) {
    const state = await stateOf(stage.name, key, depends, store)
    statuses.push({ stage: stage.name, needs: stage.needs, key, ...state })
  }
  return { stages: statuses, next: statuses.find(({ state }) => state !== 'done')?.stage }
}

async function stateOf(name: string, key: string, depends: Depends, store: ArtifactStore): Promise<StageState> {
  const found = await store.find(name)
  const manifest = found.state === 'whole' ? found.value.manifest : undefined
  const made = manifest && { created: manifest.created, ...(manifest.account && { account: manifest.account }) }
  if (made && manifest.key === key) return { state: 'done', ...made }
  const checkpoint = await store.findCheckpoint(name)
  const problem = [found, checkpoint].flatMap((each) => (each.state === 'damaged' ? [each.problem] : []))[0]
  const said = problem === undefined ? {} : { problem }
  if (checkpoint.state === 'whole' && checkpoint.value.key === key) {
    const { step, total, account } = checkpoint.value
    return { state: 'checkpoint', step, ...(total !== undefined && { total }), ...(account && { account }), ...said }
  }
  if (made) return { state: 'stale', ...made, changed: manifest.depends ? changes(manifest.depends, depends) : [] }
  return { state: 'missing', ...said }
}

/** Names of what differs between two stages' dependencies. */
function changes(before: Depends, after: Depends): string[] {
  return [
    ...differences(before.settings, after.settings, 'settings'),
    ...differences(before.needs, after.needs),
    ...differences(before.fingerprints, after.fingerprints),
  ]
}
