import type { JsonObject } from '@learngene/interfaces'
import { descendantOf, formatPath, requireArguments, type StitchedPath } from '@learngene/stitch'
import { type FloatDtype, modelBytes, saveModel } from '@learngene/vit-blocks'
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
  const details = { ...detailsOf(pool, path), ...options.details }
  return saveModel(descendantOf(pool, path), { dtype: options.dtype, details })
}

/** Bytes of the file that {@link extractDescendant} makes, without making it. */
export function descendantBytes(pool: Pool, path: StitchedPath, options: { readonly dtype?: FloatDtype } = {}): number {
  requireArguments('descendantBytes', { pool: ['family', pool], path: ['stitchedPath', path], options: ['object', options] })
  return modelBytes(descendantOf(pool, path), { dtype: options.dtype, details: detailsOf(pool, path) })
}

const detailsOf = ({ details }: Pool, { path }: StitchedPath): JsonObject => ({ ...details, path: formatPath(path) })
