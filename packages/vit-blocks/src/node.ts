import { type LoadOptions, loadModel, type SaveOptions, saveModel } from './model-file.js'
import type { Network } from './network.js'
import { checkReference, type ReferenceCheck } from './reference/check-reference.js'
import { fileSource } from './safetensors/node-file-source.js'
import { writeFileAtomically } from './write-file.js'

export { fileSource, writeFileAtomically }

/**
 * {@link loadModel} of a file, which is named by its path in errors.
 *
 * @throws SafetensorsError when the file cannot be opened or is not a model
 */
export async function loadModelFile(path: string, options: LoadOptions = {}): ReturnType<typeof loadModel> {
  return loadModel(await fileSource(path), { name: path, ...options })
}

/** {@link saveModel} into a file, whole or not at all: what the file held before stays when writing fails. */
export async function saveModelFile(path: string, network: Network, options: SaveOptions = {}): Promise<void> {
  await writeFileAtomically(path, await saveModel(network, options))
}

/**
 * {@link checkReference} of a file, which is named by its path in errors.
 *
 * @throws SafetensorsError when the file cannot be opened or is not a reference
 */
export async function checkReferenceFile(path: string): Promise<ReferenceCheck> {
  return checkReference(await fileSource(path), { name: path })
}
