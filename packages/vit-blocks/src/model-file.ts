import type { ByteSource } from '@learngene/interfaces'
import type { BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { tensor } from '@tensorflow/tfjs-core'
import { type ModelDetails, readMetadata, writeMetadata } from './model-metadata.js'
import { disposeNetwork, type Network, parametersOf } from './network.js'
import {
  type ExpectedShapes,
  encodeSafetensors,
  type FloatDtype,
  type FloatTensor,
  openSafetensors,
  readAllFloat32,
  SafetensorsError,
  type SafetensorsFile,
} from './safetensors/index.js'
import { buildNetwork, type NetworkStructure, structureOf } from './structure.js'
import { inferTimmStructure, type TimmOptions } from './timm.js'
import { withoutWeights } from './without-weights.js'

export interface SaveOptions {
  /** Stored type; default F32. */
  readonly dtype?: FloatDtype
  readonly details?: ModelDetails
}

export interface LoadOptions extends TimmOptions {
  /** Names the file in errors. */
  readonly name?: string
  /** Factories of block kinds besides the standard ones. */
  readonly blocks?: BlockRegistry
}

/**
 * A network as one safetensors file with timm's names and layouts; its structure and details travel in the metadata.
 * A plain ViT saved so is read by timm as it is.
 */
export async function saveModel(network: Network, options: SaveOptions = {}): Promise<Uint8Array> {
  const { dtype = 'F32', details = {} } = options
  return encodeSafetensors(await readParameters(parametersOf(network)), { dtype, metadata: writeMetadata(structureOf(network), details) })
}

/**
 * Reads a network: a file of {@link saveModel}, or a timm checkpoint, whose structure is inferred from its shapes.
 * Nothing is allocated before the whole file is read and checked, and nothing stays allocated when it fails.
 *
 * @throws SafetensorsError when the file is broken, its structure is not possible, a block kind is unknown, or a tensor is missing, extra,
 * misshapen or not finite, naming it
 */
export async function loadModel(
  source: ByteSource | Uint8Array,
  options: LoadOptions = {},
): Promise<{ readonly network: Network; readonly details: ModelDetails }> {
  const { name = 'model', blocks } = options
  const file = await openSafetensors(source, { name })
  const { structure, details } = readMetadata(file) ?? { structure: inferTimmStructure(file, options), details: {} }
  const values = await readAllFloat32(file, shapesOf(structure, name, blocks))
  const network = buildNetwork(structure, blocks)
  assignParameters(parametersOf(network), values)
  return { network, details }
}

/** Shapes of all parameters of a structure that somebody's file describes. */
function shapesOf(structure: NetworkStructure, name: string, blocks?: BlockRegistry): ExpectedShapes {
  try {
    const planned = withoutWeights(() => buildNetwork(structure, blocks))
    const shapes = shapesIn(parametersOf(planned))
    disposeNetwork(planned)
    return shapes
  } catch (error) {
    throw new SafetensorsError(`${name}: ${(error as Error).message}`)
  }
}

function shapesIn(parameters: Parameters): ExpectedShapes {
  return Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))
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
 * @throws SafetensorsError when a tensor is missing, extra, misshapen or not finite
 */
export async function loadParameters(parameters: Parameters, file: SafetensorsFile): Promise<void> {
  assignParameters(parameters, await readAllFloat32(file, shapesIn(parameters)))
}

function assignParameters(parameters: Parameters, values: ReadonlyMap<string, FloatTensor>): void {
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = tensor(values.get(name)!.data, parameter.shape, 'float32')
    parameter.assign(value)
    value.dispose()
  }
}
