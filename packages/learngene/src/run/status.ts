import { type RunStatus, status } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { recipeOfRun } from './recipe-of-run.js'
import { type StoredRun, stagesOfRun } from './run-folder.js'

/** Where a run stands, by its own configuration. @throws Error of one line where the folder is no run, or its images are gone */
export async function statusOfRun(dir: string): Promise<RunStatus & Pick<StoredRun, 'command'>> {
  const { command, recipe } = await recipeOfRun(dir)
  return { command, ...(await status(recipe, { store: diskStore(stagesOfRun(dir)) })) }
}
