import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@learngene/interfaces'
import { writeFileAtomically } from './atomic.js'
import { type LoadedModel, type LoadOptions, loadModel, type SaveOptions, saveModel } from './model-file.js'
import type { Network } from './network.js'
import { checkReference, type ReferenceCheck } from './reference/check-reference.js'
import { fileSource } from './safetensors/node-file-source.js'
import { structureOf } from './structure.js'
import { huggingFaceConfig } from './weights/hugging-face-config.js'
import { type NodeOpenOptions, openWeights } from './weights/node-open-weights.js'

export { commitFolder, discardFolder, makeFolder, replaceFolder, type StagedFolder, stageFolder } from './atomic.js'
export { type HubEnvironment, hubEnvironment, importHubClient, type ProxyFetch, proxyFetch } from './weights/hub-cache.js'
export { fileSource, type NodeOpenOptions, openWeights, writeFileAtomically }

/**
 * {@link loadModel} of a file, which is named by its path in errors.
 *
 * @throws SafetensorsError when the file cannot be opened or is not a model
 */
export async function loadModelFile(path: string, options: LoadOptions = {}): Promise<LoadedModel> {
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

/**
 * Saves a network as a folder that transformers reads with `from_pretrained`: `model.safetensors`, `config.json`, and `preprocessor_config.json` where
 * the details hold the normalisation. The folder is made where it does not exist.
 *
 * @throws Error when the network is not one that transformers can hold: blocks of other kinds, or of several sizes
 */
export async function saveHuggingFaceFolder(folder: string, network: Network, options: Omit<SaveOptions, 'naming'> = {}): Promise<void> {
  const { config, preprocessor } = huggingFaceConfig(structureOf(network), options.details)
  const weights = await saveModel(network, { ...options, naming: 'huggingface' })
  await mkdir(folder, { recursive: true })
  const json = (value: JsonObject) => `${JSON.stringify(value, null, 2)}\n`
  await writeFileAtomically(join(folder, 'config.json'), json(config))
  if (preprocessor) await writeFileAtomically(join(folder, 'preprocessor_config.json'), json(preprocessor))
  await writeFileAtomically(join(folder, 'model.safetensors'), weights)
}

/**
 * Loads a ViT by its address: a path, a URL, or `hf:owner/name[@revision]` through the cache; see {@link openWeights} and `loadModel`.
 *
 * @throws Error when there is nothing at the address, SafetensorsError when it is not a model
 */
export async function loadViT(spec: string | URL, options: LoadOptions & NodeOpenOptions = {}): Promise<LoadedModel> {
  return loadModel(await openWeights(spec, options), options)
}
