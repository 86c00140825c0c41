import { type Recipe, type RunImages, type RunModel, runImages } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import { buildRecipe, fingerprintOf, readImages } from './build-recipe.js'
import { loadOwn } from './own-values.js'
import { knownUnreadable, withoutUnreadable } from './readable.js'
import { readStoredRun, type StoredRun, stagesOfRun } from './run-folder.js'

/** The recipe of a run's folder, with its images. @throws Error of one line where the folder is no run, or its images are gone */
export async function recipeOfRun(dir: string): Promise<{ readonly recipe: Recipe } & Pick<StoredRun, 'command'>> {
  const { command, config: stored, configFile, seed } = await readStoredRun(dir)
  const config = await loadOwn(stored, configFile)
  const datasets = withoutUnreadable(await readImages(config), await knownUnreadable(dir))
  return { command, recipe: buildRecipe(config, datasets, seed, await fingerprintOf(config.ancestor)) }
}

/** The images that a finished run was chosen and tested on, as a model of it takes them. @throws as {@link recipeOfRun}; where they have changed since */
export async function imagesOfRun(dir: string, model: RunModel): Promise<RunImages> {
  const { recipe } = await recipeOfRun(dir)
  return runImages(recipe, model, { store: diskStore(stagesOfRun(dir)) })
}
