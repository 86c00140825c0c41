import type { ByteSource } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { tensor } from '@tensorflow/tfjs-core'
import { disposeNetwork, type Network, parametersOf } from './network.js'
import {
  bytesSource,
  type CheckOptions,
  encodedLength,
  encodeSafetensors,
  type FloatDtype,
  type FloatTensor,
  type NamedFloatTensor,
  readAllFloat32,
  type SafetensorsFile,
} from './safetensors/index.js'
import { buildNetwork, type ModelDetails, onlyHead, structureOf, writeMetadata } from './structure.js'
import { type CheckpointOptions, placementsOf, readCheckpoint, shapesIn } from './weights/checkpoint.js'
import { faultInClassNames } from './weights/details.js'
import { quantised } from './weights/int8-weights.js'
import { huggingFaceNaming } from './weights/naming.js'
import { singleFile, type WeightFiles } from './weights/weight-files.js'

export interface SaveOptions {
  /** Stored type; default F32. I8 is for files of ours alone: whole numbers with a scale per output channel, a quarter of the bytes. */
  readonly dtype?: FloatDtype | 'I8'
  readonly details?: ModelDetails
  /** Names of the tensors; default timm's. */
  readonly naming?: 'timm' | 'huggingface'
}

export interface LoadOptions extends CheckpointOptions {
  /** Names a file in errors. */
  readonly name?: string
}

/** A network and what else its files say. */
export interface LoadedModel {
  readonly network: Network
  /**
   * `preprocessing` (see `Preprocessing` of `@learngene/interfaces`) and `classNames` of a checkpoint where it states them; of a file of ours what it was
   * saved with, older ones `normalisation` (`{ mean, std }`) instead.
   */
  readonly details: ModelDetails
  /** What was corrected, resampled, drawn afresh or left out: one sentence each. */
  readonly notes: readonly string[]
}

/**
 * A network as one safetensors file; its structure and details travel in the metadata. A plain or distilled ViT in timm's naming is read by timm as it
 * is, one in Hugging Face's naming by transformers, given the `config.json` of {@link huggingFaceConfig}.
 *
 * @throws SafetensorsError when a block has parameters that Hugging Face's naming has no names for; Error when `details.classNames` are not one per class
 */
export async function saveModel(network: Network, options: SaveOptions = {}): Promise<Uint8Array> {
  const { dtype = 'F32', details = {}, naming = 'timm' } = options
  const structure = structureOf(network)
  const fault = faultInClassNames(details.classNames, structure.classes)
  if (fault !== undefined) throw new Error(`details.classNames: ${fault}`)
  if (naming === 'huggingface' && dtype === 'I8')
    throw new Error("saveModel: nobody reads I8 in Hugging Face's naming; take F32, F16 or BF16")
  const parameters = await readParameters(parametersOf(network))
  const metadata = writeMetadata(structure, details)
  if (dtype === 'I8') return encodeSafetensors(quantised(parameters), { metadata })
  if (naming === 'timm') return encodeSafetensors(parameters, { dtype, metadata })
  const { distillationToken = false, distillationHead = false } = structure
  const names = huggingFaceNaming({ prefix: distillationToken ? 'deit.' : 'vit.', twoHeads: distillationHead })
  const shapes = Object.fromEntries(parameters.map(({ name, shape }) => [name, shape]))
  const tensors = placementsOf(shapes, names).flatMap(({ tensors, tensorShape }, i): NamedFloatTensor[] => {
    const { data } = parameters[i]!
    const length = data.length / tensors.length
    return tensors.map((name, k) => ({ name, shape: tensorShape, data: data.subarray(k * length, (k + 1) * length) }))
  })
  // transformers refuses files that do not say so.
  return encodeSafetensors(tensors, { dtype, metadata: { ...metadata, format: 'pt' } })
}

/** Bytes of the file that {@link saveModel} makes of a network in timm's naming; its weights are not looked at. */
export function modelBytes(
  network: Network,
  { dtype, details = {} }: Pick<SaveOptions, 'details'> & { readonly dtype?: FloatDtype } = {},
): number {
  const tensors = Object.entries(parametersOf(network)).map(([name, { shape }]) => ({ name, shape }))
  return encodedLength(tensors, { dtype, metadata: writeMetadata(structureOf(network), details) })
}

/**
 * Reads a network: a file of {@link saveModel}, or a checkpoint in timm's or Hugging Face's naming, whose structure is inferred from its shapes and
 * from the configuration beside it. Nothing is allocated before everything is read and checked, and nothing stays allocated when it fails.
 *
 * @param source one file, or the files that `openWeights` gives
 * @throws SafetensorsError when a file is broken, its structure is not possible, a block kind is unknown, or a tensor is missing, extra,
 * misshapen or not finite, naming it
 */
export async function loadModel(source: ByteSource | Uint8Array | WeightFiles, options: LoadOptions = {}): Promise<LoadedModel> {
  const { structure, values, freshHead, details, notes } = await readCheckpoint(filesOf(source, options), options)
  const network = buildNetwork(structure, options.parts, freshHead ? onlyHead(options.rng!) : undefined)
  try {
    assignParameters(parametersOf(network), values)
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
  return { network, details, notes }
}

function filesOf(source: ByteSource | Uint8Array | WeightFiles, { name = 'model' }: LoadOptions): WeightFiles {
  if ('open' in source) return source
  return singleFile(source instanceof Uint8Array ? bytesSource(source) : source, name)
}

/** Values of trained tensors, in order, as safetensors stores them. */
export async function readParameters(parameters: Parameters) {
  return Promise.all(
    Object.entries(parameters).map(async ([name, parameter]) => ({
      name,
      shape: parameter.shape,
      data: (await parameter.data()) as Float32Array,
    })),
  )
}

/**
 * Assigns the file's values to trained tensors of the same names; all are read and checked before the first is assigned.
 *
 * @throws SafetensorsError when a tensor is missing, extra (unless allowed), misshapen or not finite
 */
export async function loadParameters(parameters: Parameters, file: SafetensorsFile, options: CheckOptions = {}): Promise<void> {
  assignParameters(parameters, await readAllFloat32(file, shapesIn(parameters), options))
}

function assignParameters(parameters: Parameters, values: ReadonlyMap<string, FloatTensor>): void {
  for (const [name, { data, shape }] of values) {
    const value = tensor(data, [...shape], 'float32')
    parameters[name]!.assign(value)
    value.dispose()
  }
}
