import { type LoadedModel, type LoadOptions, loadModel } from '../model-file.js'
import { type OpenOptions, openWeights } from './open-weights.js'

/**
 * Loads a ViT by its address: `loadViT('hf:timm/deit_tiny_patch16_224.fb_in1k')`, or a URL; see {@link openWeights} and `loadModel`.
 *
 * @throws Error when there is nothing at the address, SafetensorsError when it is not a model
 */
export async function loadViT(spec: string | URL, options: LoadOptions & OpenOptions = {}): Promise<LoadedModel> {
  return loadModel(await openWeights(spec, options), options)
}
