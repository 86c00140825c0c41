import type { JsonObject } from '@learngene/interfaces'
import { descendantOf, formatPath, requireArguments, type StitchedPath } from '@learngene/stitch'
import { disposeParameters, type FloatDtype, modelBytes, saveModel } from '@learngene/vit-blocks'
import type { Pool } from './pool.js'

/**
 * One descendant as a standalone model file: safetensors with its structure, its path and the pool's details in the metadata. Stitches that are trained in another form than they are
 * kept in, such as LoRA's, are stored as what they have become. `loadModel` of vit-blocks reads it.
 */
export async function extractDescendant(
  pool: Pool,
  path: StitchedPath,
  options: { readonly dtype?: FloatDtype; readonly details?: JsonObject } = {},
): Promise<Uint8Array> {
  requireArguments('extractDescendant', { pool: ['family', pool], path: ['stitchedPath', path], options: ['object', options] })
  const details = { ...detailsOf(pool, path), ...options.details }
  const descendant = descendantOf(pool, path)
  const merged = await Promise.all(descendant.blocks.map((block) => block.merge?.()))
  try {
    const blocks = descendant.blocks.map((block, i) => merged[i] ?? block)
    return await saveModel({ ...descendant, blocks }, { dtype: options.dtype, details })
  } finally {
    for (const block of merged) if (block) disposeParameters(block.parameters)
  }
}

/** Bytes of the file that {@link extractDescendant} makes, without making it; more than that where stitches are stored as something smaller. */
export function descendantBytes(pool: Pool, path: StitchedPath, options: { readonly dtype?: FloatDtype } = {}): number {
  requireArguments('descendantBytes', { pool: ['family', pool], path: ['stitchedPath', path], options: ['object', options] })
  return modelBytes(descendantOf(pool, path), { dtype: options.dtype, details: detailsOf(pool, path) })
}

const detailsOf = ({ details }: Pool, { path }: StitchedPath): JsonObject => ({ ...details, path: formatPath(path) })
