import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import type { Size } from '../geometry.js'
import type { ModelDetails, NetworkStructure } from '../structure.js'
import { checkClaims } from './config-rules.js'
import { preprocessorConfig, statedPreprocessing } from './details.js'
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

/**
 * A file of ours among the JSON files that go with Hugging Face's: where they state other classes or another preprocessing than its details do, as somebody corrected them, other libraries take
 * what they state, and so do we.
 */
export async function correctedBeside(
  { structure, details }: Pick<Recognised, 'structure' | 'details'>,
  files: WeightFiles,
  options: ModelConfigOptions,
): Promise<Recognised> {
  const { classNames, preprocessing } = (await readModelConfig(files, options)).details as ModelDetails & { preprocessing?: Preprocessing }
  const own = statedPreprocessing(structure.geometry.imageSize, details)
  const corrected: JsonObject = {
    ...(classNames !== undefined && !isDeepEqual(classNames, details.classNames) && { classNames }),
    ...(preprocessing && !isDeepEqual(processorOf(preprocessing), own && processorOf(own)) && { preprocessing: { ...preprocessing } }),
  }
  const notes = Object.keys(corrected).map(
    (key) =>
      `the JSON files beside the weights state other ${key === 'classNames' ? 'class names' : 'preprocessing'} than they do themselves: taken from there`,
  )
  return { structure, details: { ...details, ...corrected }, notes }
}

const isDeepEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** As transformers' files state it; undefined where they cannot. */
function processorOf(preprocessing: Preprocessing): JsonObject | undefined {
  try {
    return preprocessorConfig(preprocessing)
  } catch {
    return undefined
  }
}

function given({ heads, epsilon, activation }: StructureHints): StructureHints {
  return {
    ...(heads !== undefined && { heads }),
    ...(epsilon !== undefined && { epsilon }),
    ...(activation !== undefined && { activation }),
  }
}
