import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readAncestor } from '@learngene/fashion-mnist'
import type { Reporter } from '@learngene/interfaces'
import { type LoadedModel, loadModel } from '@learngene/vit-blocks'
import { loadViT } from '@learngene/vit-blocks/node'

/** The embedded ancestor, in place of an address. */
const EMBEDDED = 'embedded'

/** The model that a finished run has chosen, in its folder. */
const CHOSEN = 'descendant.safetensors'

/**
 * Loads a model by its address: a file or folder, `hf:owner/name`, the folder of a finished run, or `embedded`. Its notes are reported.
 *
 * @returns the model, and where it is: in a run's folder the file
 */
export async function loadModelAt(
  model: string,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<LoadedModel & { readonly address: string }> {
  report({ kind: 'stage', name: `load ${model}` })
  const ofRun = join(model, CHOSEN)
  const isRun = await stat(ofRun).then(
    (found) => found.isFile(),
    () => false,
  )
  const address = isRun ? ofRun : model
  const loaded =
    model === EMBEDDED
      ? await loadModel(await readAncestor(), { name: 'the embedded ancestor' })
      : await loadViT(address, { report, signal })
  for (const text of loaded.notes) report({ kind: 'message', text })
  return { ...loaded, address }
}
