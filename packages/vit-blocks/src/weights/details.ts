import type { Interpolation, JsonObject, Preprocessing } from '@learngene/interfaces'
import { type Size, sidesOf } from '../geometry.js'
import { describe } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'

/**
 * Class names in order, from a list (timm's `label_names`) or from Hugging Face's `id2label`; numbers become text.
 *
 * @returns undefined where none are stated
 * @throws SafetensorsError when they are not one non-empty name for each of the classes from 0 on
 */
export function readClassNames(labels: unknown, name: string): readonly string[] | undefined {
  if (labels === undefined || labels === null) return undefined
  if (typeof labels !== 'object') throw new SafetensorsError(`${name} must be names by class, found ${describe(labels)}`)
  // Keys that are integers come in ascending order.
  const gap = Object.keys(labels).findIndex((key, i) => key !== String(i))
  if (gap >= 0) throw new SafetensorsError(`${name} must name the classes 0, 1, 2 and so on, found no class ${gap}`)
  const names = Object.values(labels).map((label) => (typeof label === 'number' ? String(label) : label))
  const wrong = names.findIndex((label) => !isName(label))
  if (wrong >= 0) throw new SafetensorsError(`${name} must be non-empty texts, found ${describe(names[wrong])} for class ${wrong}`)
  return names as readonly string[]
}

/** What is wrong with the `classNames` of a model's details, as a sentence; undefined where nothing is, or there are none. */
export function faultInClassNames(names: unknown, classes: number): string | undefined {
  if (names === undefined) return undefined
  const rule = `class names must be one non-empty text for each of the ${classes} classes of the classifier`
  if (!Array.isArray(names)) return `${rule}, found ${describe(names)}`
  const wrong = names.findIndex((label) => !isName(label))
  if (wrong >= 0) return `${rule}, found ${describe(names[wrong])} for class ${wrong}`
  if (names.length === classes) return undefined
  return `${rule}, found ${names.length} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`
}

/** Names that several classes share, as a note. */
export function sharedNames(names: readonly string[], name: string): readonly string[] {
  const shared = [...new Set(names.filter((label, i) => names.indexOf(label) !== i))]
  return shared.length === 0 ? [] : [`${name} gives several classes one name: ${shared.slice(0, 5).join(', ')}`]
}

function isName(label: unknown): boolean {
  return typeof label === 'string' && label.trim() !== ''
}

/**
 * The details of a model for the size that its network has: a preprocessing without a size takes it; where the user asked for that size, one of another
 * size is changed in proportion; otherwise it stays as it was stated, and a note says that the two differ.
 */
export function fitPreprocessing(
  details: JsonObject,
  size: readonly [height: number, width: number],
  asked: boolean,
): { readonly details: JsonObject; readonly notes: readonly string[] } {
  const preprocessing = details.preprocessing as unknown as OpenPreprocessing | undefined
  if (typeof preprocessing !== 'object' || preprocessing === null) return { details, notes: [] }
  const { size: stated = size } = preprocessing
  const fitted = (changes: object) => ({
    details: { ...details, preprocessing: { ...preprocessing, size: [...size], ...changes } as JsonObject },
    notes: [],
  })
  if (stated[0] === size[0] && stated[1] === size[1]) return fitted({})
  if (!asked) {
    const note = `the files state a preprocessing to ${stated.join(' x ')} pixels, the network's images have ${size.join(' x ')}: load it with { imageSize } to make them one`
    return { details, notes: [note] }
  }
  const { resize } = preprocessing as Partial<Resized>
  if (resize === undefined || resize === 'none') return fitted({})
  const grown = (side: number, axis: 0 | 1) => Math.round((side * size[axis]) / stated[axis])
  if ('squash' in resize) return fitted({ resize: { squash: [grown(resize.squash[0], 0), grown(resize.squash[1], 1)] } })
  return fitted({ resize: { shortest: Math.max(grown(resize.shortest, 0), grown(resize.shortest, 1)) } })
}

/**
 * What the details of a model say of its preprocessing, for files that other libraries read: their `preprocessing`, or else that of a `normalisation` alone, which leaves images of the network's size as
 * they are and brings others to it as `preprocessingOf` of `@learngene/datasets` does.
 *
 * @returns undefined where they hold neither
 */
export function statedPreprocessing(imageSize: Size, details: JsonObject): Preprocessing | undefined {
  const { preprocessing, normalisation } = details as {
    readonly preprocessing?: Preprocessing
    readonly normalisation?: Pick<Preprocessing, 'mean' | 'std'>
  }
  const size = sidesOf(imageSize)
  const assumed = { size, crop: size[0] === size[1] ? 'center' : 'squash', cropPct: 1, interpolation: 'bicubic' } as const
  return preprocessing ?? (normalisation && { ...assumed, mean: normalisation.mean, std: normalisation.std })
}

/** A preprocessing whose size may follow the network's. */
export type OpenPreprocessing = Omit<Preprocessing, 'size'> & { readonly size?: Preprocessing['size'] }

/** One that resizes and then perhaps crops, as transformers does it; timm's is told by a crop mode instead. */
export type Resized = Extract<Preprocessing, { readonly centerCrop: boolean }>

/** Pillow's codes; 4 and 5 are box and hamming. */
export const resampleCodes: readonly Interpolation[] = ['nearest', 'lanczos', 'bilinear', 'bicubic']

/**
 * A preprocessing as transformers' `preprocessor_config.json`. transformers cuts the middle out half a pixel further up and left than timm where the borders cannot
 * be equal.
 *
 * @throws Error when no image processor of transformers does it: timm's crop mode 'border', and 'center' for rectangles
 */
export function preprocessorConfig(preprocessing: Preprocessing): JsonObject {
  const { size, interpolation, mean, std } = preprocessing
  const { resize, centerCrop } = 'crop' in preprocessing ? asResize(preprocessing) : preprocessing
  const sides = ([height, width]: Preprocessing['size']) => ({ height, width })
  const shortest = resize !== 'none' && 'shortest' in resize
  return {
    image_processor_type: `${shortest ? 'Bit' : centerCrop ? 'DeiT' : 'ViT'}ImageProcessor`,
    do_resize: resize !== 'none',
    size: resize === 'none' ? sides(size) : 'squash' in resize ? sides(resize.squash) : { shortest_edge: resize.shortest },
    resample: resampleCodes.indexOf(interpolation),
    do_center_crop: centerCrop,
    ...(centerCrop && { crop_size: sides(size) }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  }
}

function asResize({ crop, cropPct, size }: Extract<Preprocessing, { readonly crop: string }>): Pick<Resized, 'resize' | 'centerCrop'> {
  const scaled = [Math.floor(size[0] / cropPct), Math.floor(size[1] / cropPct)] as const
  const centerCrop = cropPct < 1 || crop === 'center'
  if (crop === 'squash') return { resize: { squash: scaled }, centerCrop }
  if (crop === 'center' && scaled[0] === scaled[1]) return { resize: { shortest: scaled[0] }, centerCrop }
  throw new Error(
    `transformers has no image processor for timm's crop mode '${crop}' at ${size.join(' x ')} pixels: leave details.preprocessing out, or give another`,
  )
}
