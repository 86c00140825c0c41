import type { JsonObject } from '@learngene/interfaces'
import type { OpenPreprocessing } from './preprocessing.js'
import type { Resized } from './preprocessor-config.js'

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
