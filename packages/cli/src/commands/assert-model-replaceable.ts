import { stat } from 'node:fs/promises'
import { openSafetensors } from '@learngene/vit-blocks'
import { fileSource } from '@learngene/vit-blocks/node'

/** Refuses to write over a file, unless it is an extracted descendant. @throws with the file's name */
export async function assertModelReplaceable(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (!found || (found.isFile() && (await isDescendant(file)))) return
  const what = found.isDirectory() ? 'is a directory' : 'exists and is no extracted descendant'
  throw new Error(`${file} ${what}; name another file${found.isFile() ? ', or replace it with --force' : ''}`)
}

/** Whether the file is a model whose details name its path, as `extractDescendant` writes them. Reads the header only. */
async function isDescendant(file: string): Promise<boolean> {
  try {
    const { metadata } = await openSafetensors(await fileSource(file), { name: file })
    return typeof JSON.parse(metadata.learngene ?? '{}').details?.path === 'string'
  } catch {
    return false
  }
}
