import type { Interpolation, Preprocessing } from '@learngene/interfaces'
import { describe } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'
import { type OpenPreprocessing, type Resized, resampleCodes } from './details.js'
import type { JsonMap } from './weight-files.js'

/** Pixels / 255 - mean, divided by std, channel by channel. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Of ImageNet's training images; what DeiT and most timm models are trained with. */
export const imageNetNormalisation: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

const halves: Normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
const clip: Normalisation = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] }

type Size = readonly [height: number, width: number]

/** The image processors of transformers that are understood, with their defaults (transformers 5.18). */
const processors = {
  ViT: { size: { height: 224, width: 224 }, crop: false, resample: 2, square: true, normalisation: halves },
  DeiT: { size: { height: 256, width: 256 }, crop: true, resample: 3, square: true, normalisation: halves },
  Bit: { size: { shortest_edge: 224 }, crop: true, resample: 3, square: false, normalisation: clip },
  CLIP: { size: { shortest_edge: 224 }, crop: true, resample: 3, square: false, normalisation: clip },
  Siglip: { size: { height: 224, width: 224 }, crop: false, resample: 3, square: false, normalisation: halves },
} as const

/** Which of them transformers takes for a model, where the file does not name one. */
const processorOfModel: { readonly [modelType: string]: keyof typeof processors } = {
  vit: 'ViT',
  vit_mae: 'ViT',
  vit_msn: 'ViT',
  deit: 'DeiT',
  dinov2: 'Bit',
  dinov2_with_registers: 'Bit',
  clip: 'CLIP',
  clip_vision_model: 'CLIP',
  siglip: 'Siglip',
  siglip_vision_model: 'Siglip',
}

/** Keys that say nothing about pixels of RGB images. */
const harmless = new Set([
  ...['processor_class', '_processor_class', '_valid_processor_keys', 'model_input_names', 'image_seq_length', 'use_fast'],
  ...['do_convert_rgb', 'data_format', 'input_data_format', 'return_tensors', 'device', 'disable_grouping', 'pad_size'],
  ...['reduce_labels', 'do_reduce_labels', 'transformers_version'],
])

const understood = new Set([
  ...[
    'image_processor_type',
    'feature_extractor_type',
    'default_to_square',
    'do_resize',
    'size',
    'resample',
    'do_center_crop',
    'crop_size',
  ],
  ...['do_rescale', 'rescale_factor', 'do_normalize', 'image_mean', 'image_std'],
])

/**
 * Reads a `preprocessor_config.json` as transformers does, whose defaults hold for what is left out; sizes that are left out follow the network's. Mean and
 * std become those of pixels scaled to 0..1, whatever factor the file scales them by.
 *
 * @param model its type and the size of its images as `config.json` has them
 * @throws SafetensorsError when a value is not possible, or may change pixels and is not understood
 */
export function readPreprocessor(
  config: JsonMap,
  name: string,
  model: { readonly modelType: string; readonly imageSize: Size },
): Preprocessing {
  for (const [key, value] of Object.entries(config)) {
    if (understood.has(key) || harmless.has(key) || value === null || value === false || value === undefined) continue
    throw new SafetensorsError(
      `${name}: ${key} is not understood and may change what the model sees, found ${describe(value)}; take it out of the file if it does not`,
    )
  }
  const defaults = processors[processorIn(config, name, model.modelType)]
  const flag = (key: string, otherwise: boolean) => {
    const value = config[key] ?? otherwise
    if (typeof value === 'boolean') return value
    throw new SafetensorsError(`${name}: ${key} must be true or false, found ${describe(value)}`)
  }
  const centerCrop = flag('do_center_crop', defaults.crop)
  const square = flag('default_to_square', defaults.square)
  // The defaults are those of a network of 224 x 224.
  const unstated = (config.size ?? config.crop_size ?? undefined) === undefined
  const grown = (side: number, axis: 0 | 1) => (unstated ? Math.round((side * model.imageSize[axis]) / 224) : side)
  const stated = sizeIn(config.size ?? defaults.size, square, `${name}: size`)
  const resize = !flag('do_resize', true)
    ? ('none' as const)
    : 'squash' in stated
      ? { squash: [grown(stated.squash[0], 0), grown(stated.squash[1], 1)] as const }
      : { shortest: Math.max(grown(stated.shortest, 0), grown(stated.shortest, 1)) }
  return {
    size: centerCrop ? cropIn(config, grown, name) : withoutCrop(resize, model.imageSize, name),
    resize,
    centerCrop,
    interpolation: interpolationIn(config.resample ?? defaults.resample, name),
    ...normalisationIn(config, defaults.normalisation, flag, name),
  }
}

function processorIn(config: JsonMap, name: string, modelType: string): keyof typeof processors {
  const type = config.image_processor_type ?? config.feature_extractor_type ?? undefined
  const processor =
    type === undefined ? processorOfModel[modelType] : String(type).replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, '')
  if (processor !== undefined && Object.hasOwn(processors, processor)) return processor as keyof typeof processors
  const known = Object.keys(processors).map((each) => `${each}ImageProcessor`)
  throw new SafetensorsError(`${name}: image_processor_type must be one of ${known.join(', ')}, found ${describe(type)}`)
}

function sizeIn(value: unknown, square: boolean, name: string): { readonly squash: Size } | { readonly shortest: number } {
  if (isSide(value)) return square ? { squash: [value, value] } : { shortest: value }
  if (Array.isArray(value) && value.length === 2 && value.every(isSide)) return { squash: value as unknown as Size }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { height, width, shortest_edge: shortest, ...others } = value as JsonMap
    const more = Object.values(others).some((other) => other !== null)
    if (!more && isSide(height) && isSide(width) && (shortest ?? null) === null) return { squash: [height, width] }
    if (!more && isSide(shortest) && (height ?? width ?? null) === null) return { shortest }
  }
  throw new SafetensorsError(`${name} must be { height, width } or { shortest_edge }, in pixels, found ${describe(value)}`)
}

function cropIn(config: JsonMap, grown: (side: number, axis: 0 | 1) => number, name: string): Size {
  const crop = sizeIn(config.crop_size ?? 224, true, `${name}: crop_size`)
  if ('shortest' in crop)
    throw new SafetensorsError(`${name}: crop_size must be { height, width }, in pixels, found ${describe(config.crop_size)}`)
  return [grown(crop.squash[0], 0), grown(crop.squash[1], 1)]
}

function withoutCrop(resize: Resized['resize'], imageSize: Size, name: string): Size {
  if (resize === 'none') return imageSize
  if ('squash' in resize) return resize.squash
  throw new SafetensorsError(
    `${name}: must crop images where it resizes their shortest edge (do_center_crop, crop_size), found no crop; they would be of several shapes`,
  )
}

function interpolationIn(code: unknown, name: string): Interpolation {
  const interpolation = typeof code === 'number' ? resampleCodes[code] : undefined
  if (interpolation !== undefined) return interpolation
  throw new SafetensorsError(`${name}: resample must be 0 (nearest), 1 (lanczos), 2 (bilinear) or 3 (bicubic), found ${describe(code)}`)
}

function normalisationIn(
  config: JsonMap,
  defaults: Normalisation,
  flag: (key: string, otherwise: boolean) => boolean,
  name: string,
): Normalisation {
  const factor = flag('do_rescale', true) ? (config.rescale_factor ?? 1 / 255) : 1
  if (typeof factor !== 'number' || !(factor > 0 && factor < Infinity))
    throw new SafetensorsError(`${name}: rescale_factor must be a positive number, found ${describe(factor)}`)
  const { mean, std } = meanAndStdIn(config, ['image_mean', 'image_std'], defaults, name)
  const scale = 255 * factor
  if (!flag('do_normalize', true)) return { mean: mean.map(() => 0), std: std.map(() => 1 / scale) }
  return { mean: mean.map((value) => value / scale), std: std.map((value) => value / scale) }
}

function meanAndStdIn(config: JsonMap, [meanKey, stdKey]: readonly [string, string], defaults: Normalisation, name: string): Normalisation {
  const numbers = (key: string, otherwise: readonly number[]) => {
    const value = config[key] ?? otherwise
    if (Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each))) return value as readonly number[]
    throw new SafetensorsError(`${name}: ${key} must be a list of numbers, found ${describe(value)}`)
  }
  const mean = numbers(meanKey, defaults.mean)
  const std = numbers(stdKey, defaults.std)
  if (mean.length === std.length && std.every((value) => value > 0)) return { mean, std }
  throw new SafetensorsError(
    `${name}: ${meanKey} and ${stdKey} must have one number per channel, those of ${stdKey} positive, found ${describe(mean)} and ${describe(std)}`,
  )
}

const timmKeys = ['input_size', 'interpolation', 'crop_pct', 'crop_mode', 'mean', 'std']

/**
 * Reads the preprocessing in timm's `pretrained_cfg`, whose defaults hold for what is left out: bicubic, crop mode 'center' of 0.875, ImageNet's mean and std.
 * Resizing to a rectangle with crop mode 'center' is bilinear in timm (1.0.29), whatever the file states.
 *
 * @returns undefined where nothing of it is stated
 * @throws SafetensorsError when a value is not possible or not understood
 */
export function readTimmPreprocessing(pretrained: JsonMap, name: string): { preprocessing?: OpenPreprocessing; notes: string[] } {
  if (timmKeys.every((key) => (pretrained[key] ?? null) === null)) return { notes: [] }
  const { interpolation = null, crop_pct: cropPct = null, crop_mode: crop = null, input_size: inputSize = null } = pretrained
  const oneOf = <T extends string>(key: string, value: unknown, allowed: readonly T[]): T => {
    if (allowed.includes(value as T)) return value as T
    throw new SafetensorsError(`${name}: ${key} must be one of ${allowed.join(', ')}, found ${describe(value)}`)
  }
  const share = cropPct ?? 0.875
  if (typeof share !== 'number' || !(share > 0 && share <= 1))
    throw new SafetensorsError(`${name}: crop_pct must be above 0 and at most 1, found ${describe(share)}`)
  if (inputSize !== null && !(Array.isArray(inputSize) && inputSize.length === 3 && inputSize.every(isSide)))
    throw new SafetensorsError(`${name}: input_size must be [channels, height, width], found ${describe(inputSize)}`)
  const size = inputSize === null ? undefined : (inputSize.slice(1) as unknown as Size)
  const mode = oneOf('crop_mode', crop ?? 'center', ['center', 'squash', 'border'] as const)
  const filter = oneOf('interpolation', interpolation ?? 'bicubic', resampleCodes)
  const notes: string[] = []
  if (pretrained.mean === undefined || pretrained.std === undefined) {
    notes.push(`${name} does not state mean and std: timm's defaults, ImageNet's, were taken`)
  }
  const rectangle = mode === 'center' && size !== undefined && Math.floor(size[0] / share) !== Math.floor(size[1] / share)
  if (rectangle && interpolation !== null && filter !== 'bilinear') {
    notes.push(`${name} states interpolation ${filter}; timm resizes to a rectangle with crop mode 'center' bilinearly, which was taken`)
  }
  const preprocessing = {
    ...(size && { size }),
    crop: mode,
    cropPct: share,
    interpolation: rectangle ? 'bilinear' : filter,
    ...meanAndStdIn(pretrained, ['mean', 'std'], imageNetNormalisation, name),
  } as const
  return { preprocessing, notes }
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0
}
