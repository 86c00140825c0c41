import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openSafetensors } from '@learngene/vit-blocks'

/** Refuses to write over a file, unless it is an extracted descendant. @throws with the file's name */
export async function assertModelReplaceable(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (!found || (found.isFile() && (await isDescendant(file, found.size)))) return
  const what = found.isDirectory() ? 'is a directory' : 'exists and is no extracted descendant'
  throw new Error(`${file} ${what}; name another file${found.isFile() ? ', or replace it with --force' : ''}`)
}

/** Whether the file is a model whose details name its path, as `extractDescendant` writes them. Reads the header only. */
async function isDescendant(file: string, byteLength: number): Promise<boolean> {
  const handle = await open(file)
  try {
    const slice = async (start: number, end: number) => {
      const bytes = new Uint8Array(end - start)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
      return bytes.subarray(0, bytesRead)
    }
    const { metadata } = await openSafetensors({ byteLength, slice }, { name: file })
    return typeof JSON.parse(metadata.learngene ?? '{}').details?.path === 'string'
  } catch {
    return false
  } finally {
    await handle.close()
  }
}

/** Writes a file so that it appears whole or not at all. */
export async function writeModelFile(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const fresh = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  try {
    await writeFile(fresh, bytes)
    await rename(fresh, file)
  } finally {
    await rm(fresh, { force: true })
  }
}
