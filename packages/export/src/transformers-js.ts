import type { JsonObject } from '@learngene/interfaces'
import {
  huggingFaceLabels,
  huggingFacePreprocessor,
  type ModelDetails,
  type Network,
  requireArguments,
  requireKeys,
} from '@learngene/vit-blocks'
import { jsonFile, type ModelFiles } from './files.js'
import { type OnnxOptions, toOnnx } from './onnx.js'

export interface TransformersJsOptions extends Pick<OnnxOptions, 'opset' | 'writers' | 'externalAbove'> {
  /** `preprocessing`, or else `normalisation`, and `classNames`, as `loadModel` gives them. */
  readonly details: ModelDetails
  /** Whether a model of int8 weights stands beside, which `{ dtype: 'q8' }` takes; default true. */
  readonly quantised?: boolean
}

/**
 * A network as the files that transformers.js reads with `pipeline('image-classification', folder)`: `config.json`, `preprocessor_config.json`, `onnx/model.onnx`, and
 * with int8 weights `onnx/model_quantized.onnx`. Stitched networks go as well: transformers.js runs the graph and takes of the configuration the names of the classes.
 * A network of grey images takes RGB, as transformers.js gives it, and makes it grey itself.
 *
 * @throws Error when the network has no classifier, the details do not say how images are normalised, no image processor of transformers does their preprocessing, or
 * as {@link toOnnx}
 */
export async function toTransformersJs(network: Network, options: TransformersJsOptions): Promise<ModelFiles> {
  requireArguments('toTransformersJs', { network: ['network', network], options: ['object', options] })
  requireKeys('toTransformersJs', options, ['opset', 'writers', 'externalAbove', 'details', 'quantised'])
  requireArguments('toTransformersJs', { 'options.details': ['object', options.details] })
  const { details, quantised = true, ...onnx } = options
  const { embedding, head, blocks } = network
  if (head.classes === 0)
    throw new Error('toTransformersJs: the network must have a classifier; it gives features alone: export it with toOnnx')
  const preprocessor = preprocessorFor(network, details)
  const names = ['model', ...(quantised ? ['model_quantized'] : [])]
  const files = new Map<string, Uint8Array>()
  const external: { [file: string]: number } = {}
  for (const name of names) {
    const file = `${name}.onnx`
    const { model, data } = await toOnnx(network, {
      ...onnx,
      details,
      weights: name === 'model' ? 'float32' : 'int8',
      fromRgb: embedding.geometry.channels === 1,
      dataFile: `${file}_data`,
    })
    files.set(`onnx/${file}`, model)
    if (!data) continue
    files.set(`onnx/${data.name}`, data.bytes)
    external[file] = 1
  }
  const { imageSize, patchSize } = embedding.geometry
  const config: JsonObject = {
    architectures: ['ViTForImageClassification'],
    model_type: 'vit',
    hidden_size: head.width,
    num_hidden_layers: blocks.length,
    image_size: imageSize,
    patch_size: patchSize,
    num_channels: 3,
    ...huggingFaceLabels(head.classes, details),
    'transformers.js_config': { dtype: 'fp32', ...(Object.keys(external).length > 0 && { use_external_data_format: external }) },
  }
  return new Map([['config.json', jsonFile(config)], ['preprocessor_config.json', jsonFile(preprocessor)], ...files])
}

/** With one mean and one std for each channel of RGB: those of grey images thrice, as the graph's weights of the colours sum to 1. */
function preprocessorFor({ embedding }: Network, details: ModelDetails): JsonObject {
  const { imageSize, channels } = embedding.geometry
  const preprocessor = huggingFacePreprocessor(imageSize, details)
  if (!preprocessor) {
    throw new Error(
      'toTransformersJs: details must hold `preprocessing`, or `normalisation` { mean, std }; give that which the model was trained with',
    )
  }
  if (channels !== 1 && channels !== 3) throw new Error(`toTransformersJs: the network must take 1 or 3 channels; it takes ${channels}`)
  const { image_mean: mean, image_std: std } = preprocessor as {
    readonly image_mean: readonly number[]
    readonly image_std: readonly number[]
  }
  if (mean.length !== channels || std.length !== channels) {
    throw new Error(
      `toTransformersJs: details must have a mean and a std for each of ${channels} channels; they have ${mean.length} and ${std.length}`,
    )
  }
  const ofRgb = (values: readonly number[]) => (channels === 1 ? [values[0]!, values[0]!, values[0]!] : [...values])
  return { ...preprocessor, image_mean: ofRgb(mean), image_std: ofRgb(std), do_convert_rgb: true }
}
