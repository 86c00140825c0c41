import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readAncestor } from '@learngene/fashion-mnist'
import { type LoadedModel, type LoadOptions, loadModel } from '@learngene/vit-blocks'
import { loadViT, type NodeOpenOptions } from '@learngene/vit-blocks/node'
import { DESCENDANT, RUN } from '../run/run-folder.js'

/** The embedded ancestor, in place of an address. */
const EMBEDDED = 'embedded'

/**
 * Loads a model by what a command calls it: a file or folder, `hf:owner/name`, a URL, the folder of a finished run, or `embedded`.
 *
 * @param options `report` is told of the loading, and the model's notes
 * @returns the model, and where it is: in a run's folder the file
 * @throws when there is no model, or it cannot be read
 */
export async function loadModelAt(
  model: string,
  options: LoadOptions & NodeOpenOptions,
): Promise<LoadedModel & { readonly address: string }> {
  const { report } = options
  report?.({ kind: 'stage', name: `load ${model}` })
  const address = await addressOf(model)
  const loaded =
    model === EMBEDDED
      ? await loadModel(await readAncestor(), { ...options, name: 'the embedded ancestor' })
      : await loadViT(address, options)
  for (const text of loaded.notes) report?.({ kind: 'message', text })
  return { ...loaded, address }
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
