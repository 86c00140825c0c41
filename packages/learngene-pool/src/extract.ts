import type { JsonObject } from '@learngene/interfaces'
import { descendantOf, formatPath, requireArguments, type StitchedPath } from '@learngene/stitch'
import { type FloatDtype, saveModel } from '@learngene/vit-blocks'
import type { Pool } from './pool.js'

/**
 * One descendant as a standalone model file: safetensors with its structure, its path and the pool's details in the metadata.
 * `loadModel` of vit-blocks reads it.
 */
export async function extractDescendant(
  pool: Pool,
  path: StitchedPath,
  options: { readonly dtype?: FloatDtype; readonly details?: JsonObject } = {},
): Promise<Uint8Array> {
  requireArguments('extractDescendant', { pool: ['family', pool], path: ['stitchedPath', path], options: ['object', options] })
  const details = { ...pool.details, path: formatPath(path.path), ...options.details }
  return saveModel(descendantOf(pool, path), { dtype: options.dtype, details })
}
