import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import { describe } from '../safetensors/describe.js'
import { SafetensorsError } from '../safetensors/index.js'
import { readClassNames, sharedNames } from './class-names.js'
import { correctDeit, originOf } from './deit-traps.js'
import type { StructureHints } from './infer-structure.js'
import { fileNameIn, type JsonMap, objectIn, readJsonFile } from './json-file.js'
import { type Normalisation, readPreprocessor, readTimmPreprocessing, sidesOf } from './preprocessing.js'
import type { WeightFiles } from './weight-files.js'

/** What the JSON files beside a checkpoint say about it. */
export interface ModelConfig {
  readonly hints: StructureHints
  /** Sizes that the checkpoint's own shapes must confirm, under the names of the configuration. */
  readonly sizes: { readonly [key: string]: number }
  readonly details: JsonObject
  /** What was corrected, and what could not be known. */
  readonly notes: readonly string[]
}

/** Hugging Face's own default for ViT and DeiT, where the configuration leaves it out. */
const defaultEpsilon = 1e-12

/**
 * Reads `config.json` (Hugging Face's or timm's) and `preprocessor_config.json`, and corrects what is known to be wrong in them.
 *
 * @param origin the repository `owner/name` of which the files are a copy, where they do not tell
 * @throws SafetensorsError when a file is no JSON, or describes another kind of model
 */
export async function readModelConfig(files: WeightFiles, origin = originOf(files)): Promise<ModelConfig> {
  const config = files.configured ? await readJsonFile(files, 'config.json') : undefined
  if (!config) return { hints: {}, sizes: {}, details: {}, notes: [] }
  const name = fileNameIn(files, 'config.json')
  if (config.model_type === undefined && config.architecture !== undefined) return timmConfig(config, name)
  const preprocessor = await readJsonFile(files, 'preprocessor_config.json')
  return huggingFaceConfig(config, preprocessor, files, origin)
}

function huggingFaceConfig(
  config: JsonMap,
  preprocessor: JsonMap | undefined,
  files: WeightFiles,
  origin: string | undefined,
): ModelConfig {
  const name = fileNameIn(files, 'config.json')
  require(name, config, 'model_type', ['vit', 'deit'])
  require(name, { hidden_act: 'gelu', ...config }, 'hidden_act', ['gelu'])
  const epsilon = config.layer_norm_eps === undefined ? defaultEpsilon : positive(name, config, 'layer_norm_eps')
  const modelType = String(config.model_type)
  const imageSize = sidesOf(config.image_size, `${name}: image_size`) ?? [224, 224]
  const preprocessing =
    preprocessor && readPreprocessor(preprocessor, fileNameIn(files, 'preprocessor_config.json'), { modelType, imageSize })
  const { notes, ...corrected } = correctDeit({ epsilon, normalisation: preprocessing }, { origin, files, modelType })
  const named = classNamesIn(config, 'id2label', name)
  const keys = ['hidden_size', 'num_hidden_layers', 'intermediate_size', 'image_size', 'patch_size', 'num_channels']
  return {
    hints: {
      epsilon: corrected.epsilon,
      ...(config.num_attention_heads !== undefined && { heads: positive(name, config, 'num_attention_heads') }),
    },
    sizes: sizesIn(name, config, keys),
    details: { ...preparationIn(preprocessing, corrected.normalisation), ...named.details },
    notes: [...notes, ...(corrected.normalisation ? [] : [withoutNormalisation]), ...named.notes],
  }
}

/** timm's, whose models all have layer norms of 1e-6. */
function timmConfig(config: JsonMap, name: string): ModelConfig {
  const pretrained = config.pretrained_cfg === undefined ? config : objectIn(config.pretrained_cfg, `${name}: pretrained_cfg`)
  require(name, { global_pool: 'token', ...config }, 'global_pool', ['token'])
  const args = config.model_args === undefined ? {} : objectIn(config.model_args, `${name}: model_args`)
  const { preprocessing, notes } = readTimmPreprocessing(pretrained, name)
  const named = classNamesIn(config, 'label_names', name)
  return {
    hints: args.num_heads === undefined ? {} : { heads: positive(name, args, 'num_heads') },
    sizes: sizesIn(name, config, ['num_features']),
    details: { ...(preprocessing && { preprocessing: { ...preprocessing } as JsonObject }), ...named.details },
    notes: [...notes, ...(preprocessing ? [] : [withoutNormalisation]), ...named.notes],
  }
}

const withoutNormalisation = 'the files do not say how images are normalised (mean and std)'

function require(name: string, config: JsonMap, key: string, allowed: readonly string[]): void {
  if (allowed.includes(config[key] as string)) return
  const choice = allowed.map((value) => `'${value}'`).join(' or ')
  throw new SafetensorsError(`${name}: ${key} must be ${choice} for a ViT that can be run here, found ${describe(config[key])}`)
}

function positive(name: string, config: JsonMap, key: string): number {
  const value = config[key]
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new SafetensorsError(`${name}: ${key} must be a positive number, found ${describe(value)}`)
}

/** Sizes given as numbers; others, such as a height and width, are left to the shapes. */
function sizesIn(name: string, config: JsonMap, keys: readonly string[]): { [key: string]: number } {
  return Object.fromEntries(keys.filter((key) => typeof config[key] === 'number').map((key) => [key, positive(name, config, key)]))
}

/** `preprocessing` with its corrected mean and std, or those alone. */
function preparationIn(preprocessing: Preprocessing | undefined, normalisation: Normalisation | undefined): JsonObject {
  if (!normalisation) return {}
  const { mean, std } = normalisation
  return preprocessing ? { preprocessing: { ...preprocessing, mean, std } } : { normalisation: { mean, std } }
}

function classNamesIn(config: JsonMap, key: string, name: string): Pick<ModelConfig, 'details' | 'notes'> {
  const classNames = readClassNames(config[key], `${name}: ${key}`)
  return classNames ? { details: { classNames }, notes: sharedNames(classNames, `${name}: ${key}`) } : { details: {}, notes: [] }
}
