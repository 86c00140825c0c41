import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** What a command may write over. */
export interface Replaceable {
  /** What it is called, after `no`. */
  readonly name: string
  isOurs(file: string): Promise<boolean>
  /** What to do about another file; default to replace it with --force. */
  readonly remedy?: string
}

/** Refuses to write over what is there, unless it is a file of ours. @throws with the file's name */
export async function assertReplaceable(file: string, { name, isOurs, remedy = 'replace it with --force' }: Replaceable): Promise<void> {
  const found = await statIfThere(file)
  if (!found || (found.isFile() && (await isOurs(file)))) return
  const what = found.isDirectory() ? 'is a directory' : `exists and is no ${name}`
  throw new Error(`${file} ${what}; name another file${found.isFile() ? `, or ${remedy}` : ''}`)
}

/** As {@link assertReplaceable}, of pages that a command wrote. */
export const assertPageReplaceable = (file: string, remedy?: string): Promise<void> =>
  // A page has less than that before its title.
  assertReplaceable(file, {
    name: 'page of learngene',
    isOurs: async (path) => (await beginningOf(path, 1024)).toString('utf8').includes('<title>Learngene'),
    remedy,
  })

/** Undefined where nothing has the name. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    return undefined
  })
}

/** Its first bytes, or all of a smaller file. */
export async function beginningOf(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
