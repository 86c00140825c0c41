import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlockRegistry } from '@learngene/interfaces/tensors'
import type { FloatDtype } from '@learngene/vit-blocks'

export { featureFolder } from './chunk-folder.js'

import type { Pool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'

/**
 * Stores a pool in a folder of its own. The folder appears whole or not at all: an existing one is replaced only after everything is written.
 *
 * @throws what the file system throws; an existing pool is then as it was
 */
export async function savePool(dir: string, pool: Pool, options: { readonly dtype?: FloatDtype } = {}): Promise<void> {
  const files = await encodePool(pool, options)
  const parent = dirname(dir)
  const fresh = join(parent, `.${randomUUID()}.new`)
  const old = join(parent, `.${randomUUID()}.old`)
  try {
    await mkdir(fresh, { recursive: true })
    for (const [file, bytes] of files) await writeFile(join(fresh, file), bytes)
    await rename(dir, old).catch(ignoreMissing)
    await rename(fresh, dir)
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(old, { recursive: true, force: true })
  }
}

/**
 * Reads a pool from the folder that {@link savePool} wrote.
 *
 * @param options.blocks factories of block kinds besides the standard ones
 * @throws when a file is missing, and what `decodePool` throws
 */
export function loadPool(dir: string, options: { readonly blocks?: BlockRegistry } = {}): Promise<Pool> {
  return decodePool((file) => readPoolFile(dir, file), { ...options, name: dir })
}

async function readPoolFile(dir: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(dir, file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`${dir}: a pool's folder must hold ${file}; it does not`)
    throw error
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
