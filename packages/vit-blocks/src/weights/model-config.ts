import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import { sidesOf } from '../geometry.js'
import { readClassNames, sharedNames } from './class-names.js'
import type { Stated } from './config-rules.js'
import { correctDeit, originOf } from './deit-traps.js'
import { readHuggingFaceKeys } from './hugging-face-keys.js'
import { fileNameIn, type JsonMap, objectIn, readJsonFile } from './json-file.js'
import { openClipPreprocessing, readOpenClipKeys } from './open-clip-keys.js'
import { type Normalisation, readPreprocessor, readTimmPreprocessing } from './preprocessing.js'
import { readTimmKeys } from './timm-keys.js'
import type { WeightFiles } from './weight-files.js'

/** What the JSON files beside a checkpoint say about it. */
export interface ModelConfig extends Stated {
  readonly details: JsonObject
  /** What was corrected, and what could not be known. */
  readonly notes: readonly string[]
}

export interface ModelConfigOptions {
  /** The repository `owner/name` of which the files are a copy, where they do not tell. */
  readonly origin?: string
  /** Keys that are not understood and are known not to change the outputs. */
  readonly ignoreConfig?: readonly string[]
}

/**
 * Reads `config.json` (Hugging Face's or timm's) and `preprocessor_config.json`, or beside `open_clip_model.safetensors` `open_clip_config.json`, and corrects what is known to be wrong in them.
 *
 * @throws SafetensorsError when a file is no JSON, or describes a model that cannot be run here
 */
export async function readModelConfig(files: WeightFiles, options: ModelConfigOptions = {}): Promise<ModelConfig> {
  const { origin = originOf(files), ignoreConfig } = options
  const nothing = { hints: {}, claims: [], details: {}, notes: [] }
  if (!files.configured) return nothing
  const file = files.file.startsWith('open_clip') ? 'open_clip_config.json' : 'config.json'
  const config = await readJsonFile(files, file)
  if (!config) return nothing
  const name = fileNameIn(files, file)
  if (file === 'open_clip_config.json') return openClipConfig(config, name, ignoreConfig)
  const timm = config.architecture !== undefined && (config.model_type === undefined || config.model_type === 'timm_wrapper')
  if (timm) return timmConfig(config, name, ignoreConfig)
  return huggingFaceConfig(config, await readJsonFile(files, 'preprocessor_config.json'), files, origin, ignoreConfig)
}

function huggingFaceConfig(
  config: JsonMap,
  preprocessor: JsonMap | undefined,
  files: WeightFiles,
  origin: string | undefined,
  ignored: readonly string[] | undefined,
): ModelConfig {
  const name = fileNameIn(files, 'config.json')
  const stated = readHuggingFaceKeys(config, name, ignored)
  const model = { modelType: String(config.model_type), imageSize: sidesOf(stated.hints.imageSize ?? 224) }
  const preprocessing = preprocessor && readPreprocessor(preprocessor, fileNameIn(files, 'preprocessor_config.json'), model)
  const before = { epsilon: stated.hints.epsilon!, normalisation: preprocessing }
  const { notes, ...corrected } = correctDeit(before, { origin, files, modelType: model.modelType })
  const named = classNamesIn(config, 'id2label', name)
  return {
    hints: { ...stated.hints, epsilon: corrected.epsilon },
    claims: stated.claims,
    details: { ...preparationIn(preprocessing, corrected.normalisation), ...named.details },
    notes: [...stated.notes, ...notes, ...(corrected.normalisation ? [] : [withoutNormalisation]), ...named.notes],
  }
}

function timmConfig(config: JsonMap, name: string, ignored: readonly string[] | undefined): ModelConfig {
  const stated = readTimmKeys(config, name, ignored)
  const pretrained = config.pretrained_cfg === undefined ? config : objectIn(config.pretrained_cfg, `${name}: pretrained_cfg`)
  const { preprocessing, notes } = readTimmPreprocessing(pretrained, name)
  const named = classNamesIn(config, 'label_names', name)
  return {
    ...stated,
    details: { ...(preprocessing && { preprocessing: { ...preprocessing } as JsonObject }), ...named.details },
    notes: [...stated.notes, ...notes, ...(preprocessing ? [] : [withoutNormalisation]), ...named.notes],
  }
}

function openClipConfig(config: JsonMap, name: string, ignored: readonly string[] | undefined): ModelConfig {
  const stated = readOpenClipKeys(config, name, ignored)
  const given = config.preprocess_cfg === undefined ? {} : objectIn(config.preprocess_cfg, `${name}: preprocess_cfg`)
  const { preprocessing, notes } = readTimmPreprocessing(openClipPreprocessing(given, name), name)
  return {
    ...stated,
    details: preprocessing ? { preprocessing: { ...preprocessing } as JsonObject } : {},
    notes: [...stated.notes, ...notes, ...(preprocessing ? [] : [withoutNormalisation])],
  }
}

const withoutNormalisation = 'the files do not say how images are normalised (mean and std)'

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
