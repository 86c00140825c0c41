import { stat } from 'node:fs/promises'
import { readAncestor } from '@learngene/fashion-mnist'
import type { Registry } from '@learngene/recipe'
import { isCascadeFile, loadCascade } from '@learngene/stitch'
import { type LoadedModel, type LoadOptions, loadModel, openSafetensors } from '@learngene/vit-blocks'
import { fileSource, loadViT, type NodeOpenOptions } from '@learngene/vit-blocks/node'
import type { Classifier } from '../predict/classifier.js'
import { ownRegistry, registryOfRun } from '../run/own-values.js'
import { modelFile } from '../run/run-folder.js'

/** The embedded ancestor, in place of an address. */
const EMBEDDED = 'embedded'

/** `config` is the module whose registry has the model's own kinds of parts; a run's folder knows its own. */
export type LoadModelOptions = Omit<LoadOptions, 'parts'> & NodeOpenOptions & { readonly config?: string }

/** Of a model, or of what its run says. A run that another version wrote has a model all the same. */
export const registryOf = (model: string, config: string | undefined) =>
  config === undefined ? registryOfRun(model).catch(() => undefined) : ownRegistry(config)

/**
 * Loads a model by what a command calls it: a file or folder, `hf:owner/name`, a URL, the folder of a finished run, or `embedded`.
 *
 * @param options `report` is told of the loading, and the model's notes
 * @returns the model, where it is (in a run's folder the file), and the registry that it was read with
 * @throws when there is no model, or it cannot be read
 */
export async function loadModelAt(
  model: string,
  { config, ...given }: LoadModelOptions,
): Promise<LoadedModel & { readonly address: string; readonly registry?: Registry }> {
  const registry = await registryOf(model, config)
  const options = { ...given, parts: registry }
  const { report } = options
  report?.({ kind: 'stage', name: `load ${model}` })
  const address = await modelFile(model)
  const loaded =
    model === EMBEDDED
      ? await loadModel(await readAncestor(), { ...options, name: 'the embedded ancestor' })
      : await loadViT(address, options)
  for (const text of loaded.notes) report?.({ kind: 'message', text })
  return { ...loaded, address, ...(registry && { registry }) }
}

/**
 * {@link loadModelAt} of what names classes: the file may hold a cascade too.
 *
 * @throws as `loadModelAt`
 */
export async function loadClassifierAt(
  model: string,
  options: LoadModelOptions,
): Promise<Pick<LoadedModel, 'details' | 'notes'> & { readonly classifier: Classifier; readonly address: string }> {
  const cascade = model === EMBEDDED ? undefined : await cascadeAt(model, options)
  if (cascade) {
    options.report?.({ kind: 'stage', name: `load ${model}` })
    return { ...(await cascade.load()), address: cascade.address, notes: [] }
  }
  const { network, ...loaded } = await loadModelAt(model, options)
  return { ...loaded, classifier: network }
}

/** The cascade that a file holds; undefined where it is something else, or no file. */
async function cascadeAt(model: string, { config }: LoadModelOptions) {
  const address = await modelFile(model)
  const isFile = await stat(address).then((found) => found.isFile(), () => false) // biome-ignore format: short
  if (!isFile) return undefined
  const source = await fileSource(address)
  // What is no safetensors file at all, loading it says.
  const file = await openSafetensors(source, { name: address }).catch(() => undefined)
  if (!file || !isCascadeFile(file)) return undefined
  const load = async () => {
    const { cascade, details } = await loadCascade(source, { name: address, parts: await registryOf(model, config) })
    return { classifier: cascade, details }
  }
  return { address, load }
}
