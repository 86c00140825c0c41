import type { ByteSource } from '@learngene/interfaces'
import { parametersOf } from '../network.js'
import { describe } from '../safetensors/errors.js'
import {
  checkTensors,
  type ExpectedShapes,
  type FloatTensor,
  openSafetensors,
  readAllFloat32,
  SafetensorsError,
  type SafetensorsFile,
} from '../safetensors/index.js'
import { buildNetwork, type NetworkStructure } from '../structure.js'
import { type SquareViTConfig, type ViTConfig, vitStructure } from '../vit.js'
import { withoutWeights } from '../without-weights.js'
import { referenceConfig } from './reference-config.js'
import type { ReferencePart } from './tolerances.js'

/** What stands before the names of a group of tensors. */
export const prefixes = { parameters: 'param/', outputs: 'out/', gradients: 'grad/', adamw: 'adamw3/' } as const

/** A reference file's contents, checked. */
export interface Reference {
  readonly structure: NetworkStructure
  /** [B, C, height, width], PyTorch's order */
  readonly images: FloatTensor
  /** [B] */
  readonly labels: readonly number[]
  /** By timm's names. */
  readonly parameters: ReadonlyMap<string, FloatTensor>
  /** What is to come out, by the names after the prefix. */
  readonly expected: { readonly [part in ReferencePart]: ReadonlyMap<string, FloatTensor> }
}

/**
 * Reads a whole reference file.
 *
 * @throws SafetensorsError when the file is broken, its config is not understood, or a tensor is missing, extra, misshapen or not finite, naming it
 */
export async function readReference(source: ByteSource | Uint8Array, name: string): Promise<Reference> {
  const file = await openSafetensors(source, { name })
  const config = referenceConfig(file)
  const floats = floatShapes(config, file)
  const [images] = floats['in/images']!
  checkTensors(file, { ...floats, 'in/labels': [images!] })
  const labels = await readLabels(file, config.classes)
  const values = await readAllFloat32(file, floats, { allowExtra: true })
  const group = (prefix: string) =>
    new Map([...values].filter(([tensor]) => tensor.startsWith(prefix)).map(([tensor, value]) => [tensor.slice(prefix.length), value]))
  return {
    structure: vitStructure(config),
    images: values.get('in/images')!,
    labels,
    parameters: group(prefixes.parameters),
    expected: { outputs: group(prefixes.outputs), gradients: group(prefixes.gradients), adamw: group(prefixes.adamw) },
  }
}

/** All tensors but the labels. The number of images is the file's to choose. */
function floatShapes(config: SquareViTConfig, file: SafetensorsFile): ExpectedShapes {
  const { imageSize, channels, classes, width, depth } = config
  const parameters = parameterShapes(config, file.name)
  const tokens = parameters.pos_embed![1]!
  const images = Math.max(1, file.tensors.get('in/images')?.shape[0] ?? 1)
  const trunk = [images, tokens, width]
  const perBlock = Array.from({ length: depth }, (_, i) => ({ [`blocks.${i}.attn`]: trunk, [`blocks.${i}`]: trunk }))
  const outputs = {
    patch_embed: [images, tokens - 1, width],
    ...Object.assign({}, ...perBlock),
    norm: trunk,
    logits: [images, classes],
    loss: [1],
  }
  return {
    'in/images': [images, channels, imageSize, imageSize],
    ...under(prefixes.outputs, outputs),
    ...under(prefixes.parameters, parameters),
    ...under(prefixes.gradients, parameters),
    ...under(prefixes.adamw, parameters),
  }
}

const under = (prefix: string, shapes: ExpectedShapes): ExpectedShapes =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]))

function parameterShapes(config: ViTConfig, name: string): ExpectedShapes {
  try {
    const parameters = parametersOf(withoutWeights(() => buildNetwork(vitStructure(config))))
    return Object.fromEntries(Object.entries(parameters).map(([parameter, { shape }]) => [parameter, shape]))
  } catch (error) {
    throw new SafetensorsError(`${name}: metadata 'config': ${(error as Error).message}`)
  }
}

async function readLabels(file: SafetensorsFile, classes: number): Promise<number[]> {
  const { dtype, data } = await file.read('in/labels')
  const labels = Array.from(data as ArrayLike<number | bigint>, Number)
  const wrong = labels.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes)
  if (wrong >= 0) {
    throw new SafetensorsError(
      `${file.name}: tensor ${describe('in/labels')}: every label must be an integer from 0 to ${classes - 1}, found ${labels[wrong]} (${dtype}) at index ${wrong}`,
    )
  }
  return labels
}
