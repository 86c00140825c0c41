import type { Json } from '@learngene/interfaces'
import { differences, type Recipe, shareOfName, status } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { listed } from '../report/text.js'
import { type StoredRun, stagesOfRun } from './run-folder.js'

/** What other settings do to a run's folder. */
export interface Replaced {
  /** Those that differ, such as `fineTuning.epochs`. */
  readonly settings: readonly string[]
  /** What has run with the settings of before and does not count any more. */
  readonly stages: readonly string[]
}

/** What of a folder's finished stages other settings leave behind; undefined where all of them stand. @param recipe that of the new settings */
export async function replacedBy(
  dir: string,
  before: StoredRun,
  after: StoredRun,
  recipe: () => Promise<Recipe>,
): Promise<Replaced | undefined> {
  const settings = differences(settingsOf(before), settingsOf(after))
  if (settings.length === 0) return undefined
  const store = diskStore(stagesOfRun(dir))
  const { stages } = await status(await recipe(), { store })
  const planned = new Set(stages.map(({ stage }) => stage))
  const stale = stages.filter(({ state }) => state === 'stale').map(({ stage }) => stage)
  // A share, such as evaluate.1of3, goes with its stage.
  const gone = (await store.list()).map(({ stage }) => stage).filter((stage) => !planned.has(stage) && !shareOfName(stage))
  return stale.length + gone.length === 0 ? undefined : { settings, stages: [...stale, ...gone] }
}

/** As a command that computes says it. */
export function replacedText(dir: string, { settings, stages }: Replaced): string {
  return `${dir} had other settings: ${listed(settings)}; what has run with them is made anew or left out: ${listed(stages)}`
}

/** As a command that does not refuses it. */
export function keptText(dir: string, { settings, stages }: Replaced): string {
  return `${dir} has run with other settings: ${listed(settings)}; nothing is computed here, so ${listed(stages)} would be of no run any more: give the settings of ${dir}, or first make it anew with these, name another directory, or empty it with --force`
}

const settingsOf = ({ config, seed, configFile }: StoredRun) => JSON.parse(JSON.stringify({ ...config, seed, configFile })) as Json
