import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import { checkNormalisation, type Normalisation } from '../normalise.js'
import { interpolations } from './resize.js'

/**
 * How images are prepared for a model, from its details: their `preprocessing`; or, where they hold a `normalisation` alone, one that leaves images of the network's size as they are. Others are
 * resized, bicubic, until the short side fits, and lose what is beyond it on the long one; for a network of images that are no squares they are squashed. Exported models say the same.
 *
 * @param size [height, width] of the network's images; needed where the details hold a `normalisation` alone
 * @throws one line when the details hold neither, or what they hold is not possible
 */
export const preprocessingOf = (details: JsonObject, size?: readonly [number, number]): Preprocessing => {
  const { preprocessing, normalisation } = details as { readonly preprocessing?: unknown; readonly normalisation?: unknown }
  if (preprocessing !== undefined) {
    checkPreprocessing(preprocessing, 'details.preprocessing: ')
    return preprocessing
  }
  if (normalisation === undefined || size === undefined)
    throw new Error(
      normalisation === undefined
        ? "a model's details must hold `preprocessing`, or `normalisation` { mean, std }; these say neither, so give the preprocessing that the model was trained with"
        : "a model's details that hold a `normalisation` alone need the size of the network's images: preprocessingOf(details, [height, width])",
    )
  const crop = size[0] === size[1] ? 'center' : 'squash'
  const assumed = { size, crop, cropPct: 1, interpolation: 'bicubic', ...(normalisation as Normalisation) }
  checkPreprocessing(assumed, 'details.normalisation: ')
  return assumed
}

/** @throws one line that says which part of a preprocessing is not possible */
export function checkPreprocessing(value: unknown, name = 'preprocessing: '): asserts value is Preprocessing {
  const refuse = (rule: string, got: unknown): never => {
    throw new Error(`${name}${rule}, got ${JSON.stringify(got) ?? got}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('must be an object', value)
  const { size, interpolation, mean, std, crop, cropPct, resize, centerCrop } = value as { readonly [key: string]: unknown }
  if (!isSize(size)) refuse('size must be [height, width], two positive integers', size)
  if (!interpolations.includes(interpolation as never)) refuse(`interpolation must be one of ${interpolations.join(', ')}`, interpolation)
  if (!isNumbers(mean) || !isNumbers(std)) refuse('mean and std must be lists of numbers', { mean, std })
  checkNormalisation({ mean, std } as Normalisation)
  if ((crop === undefined) === (resize === undefined))
    refuse("give either timm's { crop, cropPct } or transformers' { resize, centerCrop }", { crop, resize })
  if (resize === undefined) {
    if (!['center', 'squash', 'border'].includes(crop as string)) refuse("crop must be 'center', 'squash' or 'border'", crop)
    if (!(typeof cropPct === 'number' && cropPct > 0 && cropPct <= 1)) refuse('cropPct must be above 0 and at most 1', cropPct)
    return
  }
  const { shortest, squash } = (resize ?? {}) as { readonly [key: string]: unknown }
  if (resize !== 'none' && !(isSide(shortest) && squash === undefined) && !(isSize(squash) && shortest === undefined))
    refuse("resize must be { shortest: pixels }, { squash: [height, width] } or 'none'", resize)
  if (typeof centerCrop !== 'boolean') refuse('centerCrop must be true or false', centerCrop)
}

const isSide = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0
const isSize = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && value.every(isSide)
const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number')
