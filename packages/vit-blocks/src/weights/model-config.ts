import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import { sidesOf } from '../geometry.js'
import type { Stated } from './config-rules.js'
import { readClassNames, sharedNames } from './details.js'
import { readHuggingFaceKeys } from './hugging-face-keys.js'
import { openClipPreprocessing, readOpenClipKeys } from './open-clip-keys.js'
import { imageNetNormalisation, type Normalisation, readPreprocessor, readTimmPreprocessing } from './preprocessing.js'
import { readTimmKeys } from './timm-keys.js'
import { fileNameIn, type JsonMap, objectIn, readJsonFile, type WeightFiles } from './weight-files.js'

/** What the JSON files beside a checkpoint say about it. */
interface ModelConfig extends Stated {
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

/** What a configuration states and may state wrongly. */
interface Doubtful {
  readonly epsilon: number
  readonly normalisation: Normalisation | undefined
}

/** The layer norms' epsilon of facebook/deit-*. */
const trained = 1e-6

/** The repository that files come from: told by their source, or by a path as the hub and its cache write it, `facebook/deit-...`, `facebook--deit-...`. */
export function originOf({ origin, name }: Pick<WeightFiles, 'origin' | 'name'>): string | undefined {
  if (origin !== undefined) return origin
  const [, model] = /(?:^|[/\\]|--)facebook(?:[/\\]|--)(deit-[\w.-]*\w)/.exec(name) ?? []
  return model && `facebook/${model}`
}

/**
 * Corrects the configurations of facebook/deit-*: they state layer norms of 1e-12 and a mean and std of 0.5, but the weights were trained with
 * 1e-6 and ImageNet's mean and std. Other models' statements hold:
 * google/vit-* really use 0.5.
 */
export function correctDeit(
  stated: Doubtful,
  { origin, files, modelType }: { origin: string | undefined; files: WeightFiles; modelType: string },
): Doubtful & { readonly notes: readonly string[] } {
  const { epsilon, normalisation } = stated
  const halves = normalisation === undefined || [...normalisation.mean, ...normalisation.std].every((value) => value === 0.5)
  if (origin === undefined || !/^facebook\/deit-/.test(origin)) {
    const suspicious = origin === undefined && epsilon < trained && (modelType === 'deit' || /deit/i.test(files.name))
    const note = `config.json states layer_norm_eps ${epsilon}, which holds for fine-tuned models; if this is a copy of facebook/deit-*, trained with 1e-6 and ImageNet's mean and std, say so: { origin: 'facebook/deit-...' }`
    return { ...stated, notes: suspicious ? [note] : [] }
  }
  const notes: string[] = []
  if (epsilon !== trained) {
    notes.push(`layer_norm_eps corrected from ${epsilon}, as config.json states, to 1e-6, with which ${origin} was trained`)
  }
  if (!halves) return { epsilon: trained, normalisation, notes }
  const given = normalisation ? 'from mean and std 0.5, as preprocessor_config.json states,' : 'from nothing stated'
  const { mean, std } = imageNetNormalisation
  notes.push(
    `normalisation corrected ${given} to ImageNet's mean ${mean.join(' ')} and std ${std.join(' ')}, with which ${origin} was trained`,
  )
  return { epsilon: trained, normalisation: imageNetNormalisation, notes }
}
