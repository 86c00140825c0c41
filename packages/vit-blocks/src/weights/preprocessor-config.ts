import type { Interpolation, JsonObject, Preprocessing } from '@learngene/interfaces'

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
