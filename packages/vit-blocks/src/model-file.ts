import type { ByteSource, Json, JsonObject } from '@learngene/interfaces'
import type { BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { tensor } from '@tensorflow/tfjs-core'
import { disposeNetwork, type Network, parametersOf } from './network.js'
import {
  encodeSafetensors,
  type FloatDtype,
  openSafetensors,
  readAllFloat32,
  SafetensorsError,
  type SafetensorsFile,
} from './safetensors/index.js'
import { buildNetwork, type NetworkStructure, structureOf } from './structure.js'
import { inferTimmStructure, type TimmOptions } from './timm.js'

/** What a model's user must know besides its weights: normalisation, class names, where it comes from. */
export type ModelDetails = JsonObject

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

const METADATA_KEY = 'learngene'
const SCHEMA = 1

/**
 * A network as one safetensors file with timm's names and layouts; its structure and details travel in the metadata.
 * A plain ViT saved so is read by timm as it is.
 */
export async function saveModel(network: Network, options: SaveOptions = {}): Promise<Uint8Array> {
  const { dtype = 'F32', details = {} } = options
  const metadata = { [METADATA_KEY]: JSON.stringify({ schema: SCHEMA, structure: structureOf(network), details }) }
  return encodeSafetensors(await readParameters(parametersOf(network)), { dtype, metadata })
}

/**
 * Reads a network: a file of {@link saveModel}, or a timm checkpoint, whose structure is inferred from its shapes.
 * Nothing stays allocated when it fails.
 *
 * @throws SafetensorsError when the file is broken or a tensor is missing, extra, misshapen or not finite, naming it
 */
export async function loadModel(
  source: ByteSource | Uint8Array,
  options: LoadOptions = {},
): Promise<{ readonly network: Network; readonly details: ModelDetails }> {
  const { name = 'model', blocks } = options
  const file = await openSafetensors(source, { name })
  const { structure, details } = describedIn(file) ?? { structure: inferTimmStructure(file, options), details: {} }
  const network = buildNetwork(structure, blocks)
  try {
    await loadParameters(parametersOf(network), file)
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
  return { network, details }
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
  const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))
  const values = await readAllFloat32(file, shapes)
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = tensor(values.get(name)!.data, parameter.shape, 'float32')
    parameter.assign(value)
    value.dispose()
  }
}

function describedIn(file: SafetensorsFile): { structure: NetworkStructure; details: ModelDetails } | undefined {
  const text = file.metadata[METADATA_KEY]
  if (text === undefined) return undefined
  const described = parse(text) as { schema?: Json; structure?: NetworkStructure; details?: ModelDetails }
  if (described?.schema !== SCHEMA || described.structure === undefined) {
    throw new SafetensorsError(
      `${file.name}: metadata '${METADATA_KEY}' must be of schema ${SCHEMA}; got ${described?.schema ?? 'none'}. It was written by another version`,
    )
  }
  return { structure: described.structure, details: described.details ?? {} }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
