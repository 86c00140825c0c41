import type { Size } from '../geometry.js'
import type { ModelDetails, NetworkStructure } from '../structure.js'
import { checkClaims } from './config-rules.js'
import { inferStructure, type StructureHints } from './infer-structure.js'
import { type ModelConfigOptions, readModelConfig } from './model-config.js'
import type { NamedTensors } from './read-names.js'
import type { TensorFile, WeightFiles } from './weight-files.js'

interface RecogniseOptions extends StructureHints, ModelConfigOptions {
  readonly imageSize?: Size
}

/** What a checkpoint of others is. */
interface Recognised {
  readonly structure: NetworkStructure
  readonly details: ModelDetails
  /** What was corrected, and what had to be assumed. */
  readonly notes: readonly string[]
}

/**
 * Recognises a checkpoint that does not say its structure as files of ours do, by the configuration beside it and by its shapes.
 *
 * @throws SafetensorsError when the configuration states what cannot be run here or what the shapes contradict, or the shapes are of no network
 */
export async function recogniseCheckpoint(
  files: WeightFiles,
  tensors: TensorFile,
  named: NamedTensors,
  options: RecogniseOptions,
): Promise<Recognised> {
  const config = await readModelConfig(files, options)
  const { structure, notes } = inferStructure(tensors, named, { ...config.hints, ...given(options) }, options.imageSize)
  checkClaims(config.claims, structure, named, files.name)
  return { structure, details: config.details, notes: [...config.notes, ...notes] }
}

function given({ heads, epsilon, activation }: StructureHints): StructureHints {
  return {
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { epsilon }),
    ...(activation !== undefined && { activation }),
  }
}
