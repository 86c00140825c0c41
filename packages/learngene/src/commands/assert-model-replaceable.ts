import { openSafetensors } from '@learngene/vit-blocks'
import { fileSource } from '@learngene/vit-blocks/node'
import { assertReplaceable } from './assert-replaceable.js'

/** Model files that a command wrote, which it may write over. */
export interface OwnModels {
  /** What they are called, after `no`. */
  readonly name: string
  /** What only their details hold. */
  readonly key: string
}

/** Refuses to write over a file, unless it is a model that the same command wrote. @throws with the file's name */
export const assertModelReplaceable = (file: string, { name, key }: OwnModels): Promise<void> =>
  assertReplaceable(file, { name, isOurs: (path) => holds(path, key) })

/** Whether the file is a model whose details have the key. Reads the header only. */
async function holds(file: string, key: string): Promise<boolean> {
  try {
    const { metadata } = await openSafetensors(await fileSource(file), { name: file })
    return Object.hasOwn(JSON.parse(metadata.learngene ?? '{}').details ?? {}, key)
  } catch {
    return false
  }
}
