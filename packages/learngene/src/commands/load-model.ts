import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readAncestor } from '@learngene/fashion-mnist'
import type { Registry } from '@learngene/recipe'
import { type LoadedModel, type LoadOptions, loadModel } from '@learngene/vit-blocks'
import { loadViT, type NodeOpenOptions } from '@learngene/vit-blocks/node'
import { ownRegistry, registryOfRun } from '../run/own-values.js'
import { DESCENDANT, RUN } from '../run/run-folder.js'

/** The embedded ancestor, in place of an address. */
const EMBEDDED = 'embedded'

/**
 * Loads a model by what a command calls it: a file or folder, `hf:owner/name`, a URL, the folder of a finished run, or `embedded`.
 *
 * @param config the module whose registry has the model's own kinds of parts; a run's folder knows its own
 * @param options `report` is told of the loading, and the model's notes
 * @returns the model, where it is (in a run's folder the file), and the registry that it was read with
 * @throws when there is no model, or it cannot be read
 */
export async function loadModelAt(
  model: string,
  { config, ...given }: Omit<LoadOptions, 'parts'> & NodeOpenOptions & { readonly config?: string },
): Promise<LoadedModel & { readonly address: string; readonly registry?: Registry }> {
  // A run that another version wrote has a model all the same.
  const registry = config === undefined ? await registryOfRun(model).catch(() => undefined) : await ownRegistry(config)
  const options = { ...given, parts: registry }
  const { report } = options
  report?.({ kind: 'stage', name: `load ${model}` })
  const address = await addressOf(model)
  const loaded =
    model === EMBEDDED
      ? await loadModel(await readAncestor(), { ...options, name: 'the embedded ancestor' })
      : await loadViT(address, options)
  for (const text of loaded.notes) report?.({ kind: 'message', text })
  return { ...loaded, address, ...(registry && { registry }) }
}

/** In the folder of a run the model that it has chosen. */
async function addressOf(model: string): Promise<string> {
  const exists = (file: string) =>
    stat(join(model, file)).then(
      () => true,
      () => false,
    )
  if (await exists(DESCENDANT)) return join(model, DESCENDANT)
  if (await exists(RUN))
    throw new Error(`${model}: the run must have chosen a model, ${DESCENDANT}; it has not yet: finish it, or name a file`)
  return model
}
