import { stat } from 'node:fs/promises'
import { openSafetensors } from '@learngene/vit-blocks'
import { fileSource } from '@learngene/vit-blocks/node'

/** Model files that a command wrote, which it may write over. */
export interface OwnModels {
  /** What they are called, after `no`. */
  readonly name: string
  /** What only their details hold. */
  readonly key: string
}

/** Refuses to write over a file, unless it is a model that the same command wrote. @throws with the file's name */
export async function assertModelReplaceable(file: string, own: OwnModels): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  })
  if (!found || (found.isFile() && (await holds(file, own.key)))) return
  const what = found.isDirectory() ? 'is a directory' : `exists and is no ${own.name}`
  throw new Error(`${file} ${what}; name another file${found.isFile() ? ', or replace it with --force' : ''}`)
}

/** Whether the file is a model whose details have the key. Reads the header only. */
async function holds(file: string, key: string): Promise<boolean> {
  try {
    const { metadata } = await openSafetensors(await fileSource(file), { name: file })
    return Object.hasOwn(JSON.parse(metadata.learngene ?? '{}').details ?? {}, key)
  } catch {
    return false
  }
}
