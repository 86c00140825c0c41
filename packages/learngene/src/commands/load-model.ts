import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readAncestor } from '@learngene/fashion-mnist'
import { type LoadedModel, type LoadOptions, loadModel } from '@learngene/vit-blocks'
import { loadViT, type NodeOpenOptions } from '@learngene/vit-blocks/node'
import { POOL } from '../read-run.js'

/** The embedded ancestor, in place of an address. */
const EMBEDDED = 'embedded'

/** The model that a finished run has chosen, in its folder. */
const CHOSEN = 'descendant.safetensors'

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

async function addressOf(model: string): Promise<string> {
  const chosen = join(model, CHOSEN)
  if (await stat(chosen).catch(() => undefined)) return chosen
  const isRun = await stat(join(model, POOL)).catch(() => undefined)
  if (isRun) throw new Error(`${model}: the run must have chosen a model, ${CHOSEN}; it has not: finish it, or name a model's file`)
  return model
}
