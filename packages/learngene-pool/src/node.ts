import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FloatDtype } from '@learngene/vit-blocks'
import { replaceFolder } from '@learngene/vit-blocks/node'

export { featureFolder } from './chunk-folder.js'

import type { Pool } from './pool.js'
import { decodePool, encodePool, type PoolKinds } from './pool-file.js'

/**
 * Stores a pool in a folder of its own. The folder appears whole or not at all: an existing one is replaced only after everything is written.
 *
 * @throws where `dir` is a file, a weight is not finite, or the file system refuses; an existing pool is then as it was
 */
export async function savePool(dir: string, pool: Pool, options: { readonly dtype?: FloatDtype } = {}): Promise<void> {
  const files = await encodePool(pool, options)
  await replaceFolder(dir, async (path) => {
    for (const [file, bytes] of files) await writeFile(join(path, file), bytes)
  })
}

/**
 * Reads a pool from the folder that {@link savePool} wrote.
 *
 * @param options factories of parts and path spaces besides the standard ones
 * @throws when a file is missing, and what `decodePool` throws
 */
export function loadPool(dir: string, options: PoolKinds = {}): Promise<Pool> {
  return decodePool((file) => readPoolFile(dir, file), { ...options, name: dir })
}

async function readPoolFile(dir: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(dir, file))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Error(`${dir}: a pool's folder must hold ${file}; it does not`)
    throw new Error(`${dir}: ${file} cannot be read: ${message}`, { cause: error })
  }
}
