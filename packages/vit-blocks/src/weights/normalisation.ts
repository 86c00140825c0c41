import { describe } from '../safetensors/describe.js'
import { SafetensorsError } from '../safetensors/index.js'
import type { JsonMap } from './json-file.js'

/** Pixels / 255 - mean, divided by std, channel by channel. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Of ImageNet's training images; what DeiT and most timm models are trained with. */
export const imageNetNormalisation: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

const half = [0.5, 0.5, 0.5]

/**
 * Reads the normalisation of a `preprocessor_config.json`. Hugging Face's defaults hold for what is left out: mean and std 0.5.
 *
 * @throws SafetensorsError when it is not one number per channel
 */
export function readNormalisation(config: JsonMap, name: string): Normalisation {
  const mean = numbersIn(config, 'image_mean', name)
  const std = numbersIn(config, 'image_std', name)
  if (mean.length !== std.length || std.some((value) => value <= 0)) {
    throw new SafetensorsError(
      `${name}: image_mean and image_std must have one number per channel, those of image_std positive, found ${describe(mean)} and ${describe(std)}`,
    )
  }
  if (config.do_normalize === false) return { mean: mean.map(() => 0), std: std.map(() => 1) }
  return { mean, std }
}

function numbersIn(config: JsonMap, key: string, name: string): readonly number[] {
  const value = config[key] ?? half
  if (Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each))) return value as readonly number[]
  throw new SafetensorsError(`${name}: ${key} must be a list of numbers, found ${describe(value)}`)
}
