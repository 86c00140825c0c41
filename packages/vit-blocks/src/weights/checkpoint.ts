import type { BlockRegistry } from '@learngene/interfaces/tensors'
import { type ModelDetails, readMetadata } from '../model-metadata.js'
import { type FloatTensor, readAllFloat32, SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import { type AdaptOptions, adaptValues, planAdaptation, withoutHead } from './adapt.js'
import { faultInClassNames } from './class-names.js'
import { type CheckpointStructure, inferStructure, type StructureHints } from './infer-structure.js'
import { placementsOf, shapesOf } from './layout.js'
import { type ModelConfig, readModelConfig } from './model-config.js'
import { type Naming, namingOf } from './naming.js'
import { fitPreprocessing, sidesOf } from './preprocessing.js'
import { openTensors } from './shards.js'
import type { TensorFile } from './tensor-file.js'
import type { WeightFiles } from './weight-files.js'

export interface CheckpointOptions extends StructureHints, AdaptOptions {
  /** Factories of block kinds besides the standard ones. */
  readonly blocks?: BlockRegistry
  /** The hub's repository `owner/name` of which the files are a copy, where source and path do not tell. Its known errors are corrected. */
  readonly origin?: string
}

/** All of a model, read and checked, before anything is allocated on a backend. */
export interface Checkpoint {
  readonly structure: NetworkStructure
  /** By parameter name; those of a fresh head are not there. */
  readonly values: ReadonlyMap<string, FloatTensor>
  readonly freshHead: boolean
  readonly details: ModelDetails
  /** What was corrected, resampled, drawn afresh or left out: one sentence each. */
  readonly notes: readonly string[]
}

/**
 * Reads a model in timm's or Hugging Face's naming, from one file or several.
 *
 * @throws SafetensorsError when a file is missing or broken, its structure is not possible, or a tensor is missing, extra, misshapen or not finite, naming it
 */
export async function readCheckpoint(files: WeightFiles, options: CheckpointOptions): Promise<Checkpoint> {
  const { name } = files
  const tensors = await openTensors(files)
  const own = readMetadata(tensors)
  const naming = namingOf(tensors)
  const config = own ? { hints: {}, sizes: {}, details: own.details, notes: [] } : await readModelConfig(files, options.origin)
  const stored = own?.structure ?? inferStructure(tensors, naming, hintsFrom(options, config))
  if (!own) checkSizes(stored, config, name)
  const adaptation = planAdaptation(stored, options, name)
  shapesOf(adaptation.structure, name, options.blocks)
  const { values, unused } = await readValues(tensors, naming, stored, options.blocks)
  const { classNames, ...headless } = config.details
  const fault = adaptation.freshHead ? undefined : faultInClassNames(classNames, adaptation.structure.classes)
  if (fault !== undefined) {
    throw new SafetensorsError(`${name}: ${fault}; correct ${own ? 'its details' : 'config.json'}, or draw a fresh head: { classes, rng }`)
  }
  const size = sidesOf(adaptation.structure.geometry.imageSize, name)!
  const fitted = fitPreprocessing(adaptation.freshHead ? headless : config.details, size, options.imageSize !== undefined)
  return {
    structure: adaptation.structure,
    values: adaptValues(values, stored, adaptation),
    freshHead: adaptation.freshHead,
    details: fitted.details,
    notes: [...files.notes, ...config.notes, ...unused, ...adaptation.notes, ...fitted.notes],
  }
}

function hintsFrom({ heads, epsilon }: StructureHints, { hints }: ModelConfig): StructureHints {
  return { heads: heads ?? hints.heads, epsilon: epsilon ?? hints.epsilon }
}

function checkSizes({ geometry, blocks, embeddingWidth }: CheckpointStructure, { sizes }: ModelConfig, name: string): void {
  const { width, mlpRatio } = (blocks[0]?.config ?? {}) as { width?: number; mlpRatio?: number }
  const found: { [key: string]: number | undefined } = {
    hidden_size: embeddingWidth,
    num_features: embeddingWidth,
    num_hidden_layers: blocks.length,
    intermediate_size: width && mlpRatio && Math.round(width * mlpRatio),
    image_size: geometry.imageSize,
    patch_size: geometry.patchSize,
    num_channels: geometry.channels,
  }
  for (const [key, expected] of Object.entries(sizes)) {
    if (found[key] !== expected) {
      throw new SafetensorsError(
        `${name}: config.json states ${key} ${expected}, but the tensors have ${found[key]}; do the files belong together?`,
      )
    }
  }
}

/** All parameters' values by name, put together from the tensors that hold them. */
async function readValues(tensors: TensorFile, naming: Naming, stored: CheckpointStructure, blocks?: BlockRegistry) {
  const shapes = shapesOf({ ...stored, classes: stored.classes ?? 1 }, tensors.name, blocks)
  const placements = placementsOf(stored.classes === undefined ? withoutHead(shapes) : shapes, naming)
  const needed = new Map([...tensors.tensors].filter(([tensor]) => !Object.hasOwn(naming.unused, tensor)))
  const expected = Object.fromEntries(
    placements.flatMap(({ tensors, tensorShape }) => tensors.map((tensor) => [tensor, tensorShape] as const)),
  )
  const read = await readAllFloat32({ ...tensors, tensors: needed }, expected)
  const values = new Map(
    placements.map(({ parameter, tensors }) => [
      parameter,
      { shape: shapes[parameter]!, data: joined(tensors.map((tensor) => read.get(tensor)!.data)) },
    ]),
  )
  const unused = new Set([...tensors.tensors.keys()].filter((tensor) => !needed.has(tensor)).map((tensor) => naming.unused[tensor]!))
  return { values, unused: [...unused].map((what) => `the checkpoint also holds ${what}: left out`) }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}
