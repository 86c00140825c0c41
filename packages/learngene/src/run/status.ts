import { type RunStatus, status } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { buildRecipe, fingerprintOf, readImages } from './build-recipe.js'
import { loadOwn } from './own-values.js'
import { knownUnreadable, withoutUnreadable } from './readable.js'
import { readStoredRun, type StoredRun, stagesOfRun } from './run-folder.js'

/** Where a run stands, by its own configuration. @throws Error of one line where the folder is no run, or its images are gone */
export async function statusOfRun(dir: string): Promise<RunStatus & Pick<StoredRun, 'command'>> {
  const { command, config: stored, configFile, seed } = await readStoredRun(dir)
  const config = await loadOwn(stored, configFile)
  const datasets = withoutUnreadable(await readImages(config), await knownUnreadable(dir))
  const recipe = buildRecipe(config, datasets, seed, await fingerprintOf(config.ancestor))
  return { command, ...(await status(recipe, { store: diskStore(stagesOfRun(dir)) })) }
}
