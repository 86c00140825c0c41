import type { ByteSource } from '@learngene/interfaces'
import { integerIn, numberIn } from '../config.js'
import { parametersOf } from '../network.js'
import { withoutWeights } from '../parameters.js'
import { describe, describeList } from '../safetensors/errors.js'
import { isRecord } from '../safetensors/header.js'
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

/** The three things that a reference file is about. */
export const referenceParts = ['outputs', 'gradients', 'adamw'] as const

export type ReferencePart = (typeof referenceParts)[number]

/** One value for each part of a reference. */
export type ByPart<T> = { readonly [part in ReferencePart]: T }

/**
 * Largest errors that pass, for every backend, since all compute in float32, whose rounding is 6e-8. A forward pass of a few blocks stays
 * some tens of roundings from float64. A gradient sums over all images and tokens, with cancellation, and has passed every block twice.
 * The errors of outputs and gradients are relative to a tensor's norm; that of AdamW's steps is a multiple of what the gradients' tolerance explains.
 */
export const referenceTolerances: ByPart<number> = { outputs: 1e-5, gradients: 1e-4, adamw: 1 }

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

/** Arguments of timm's VisionTransformer with only one value that this check runs. */
const fixed: { readonly [key: string]: unknown } = { qkv_bias: true, class_token: true, global_pool: 'token' }

const known = ['img_size', 'patch_size', 'in_chans', 'num_classes', 'embed_dim', 'depth', 'num_heads', 'mlp_ratio', ...Object.keys(fixed)]

/**
 * The network that a reference is about: the arguments of timm's VisionTransformer as JSON in the file's metadata under `config`.
 *
 * @throws SafetensorsError when the config is missing, is no JSON object, or has a key or value that is not understood
 */
export function referenceConfig(file: Pick<SafetensorsFile, 'name' | 'metadata' | 'tensors'>): SquareViTConfig {
  try {
    return parseConfig(file)
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata 'config': ${(error as Error).message}`)
  }
}

function parseConfig({ metadata, tensors }: Pick<SafetensorsFile, 'metadata' | 'tensors'>): SquareViTConfig {
  const text = Object.hasOwn(metadata, 'config') ? metadata.config : undefined
  if (text === undefined) {
    throw new Error(
      `a reference must describe its network, as in {"img_size":32,"patch_size":8,"embed_dim":48,"depth":3,"num_heads":3,"num_classes":10}; the file has no such entry`,
    )
  }
  const config: unknown = JSON.parse(text)
  if (!isRecord(config)) throw new Error(`it must be a JSON object; got ${describe(config)}`)
  const unknown = Object.keys(config).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw new Error(`its keys may be ${known.join(', ')}; got ${describeList(unknown.map(describe))}`)
  for (const [key, value] of Object.entries(fixed)) {
    if (Object.hasOwn(config, key) && config[key] !== value) {
      throw new Error(`'${key}' must be ${describe(value)}, which is all that is checked; got ${describe(config[key])}`)
    }
  }
  const depth = integerIn(config, 'depth')
  if (depth > tensors.size) throw new Error(`'depth' must be at most the number of the file's tensors, ${tensors.size}; got ${depth}`)
  return {
    imageSize: integerIn(config, 'img_size'),
    patchSize: integerIn(config, 'patch_size'),
    channels: integerIn(config, 'in_chans', 3),
    classes: integerIn(config, 'num_classes'),
    width: integerIn(config, 'embed_dim'),
    depth,
    heads: integerIn(config, 'num_heads'),
    mlpRatio: numberIn(config, 'mlp_ratio', 4),
  }
}
