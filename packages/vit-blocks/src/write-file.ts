import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file as a whole or not at all: into a new file of the same folder, which then takes the name. When that fails (no space, a crash),
 * the file that had the name before is untouched.
 *
 * @throws Error of one line naming the path
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new Error(`${path}: cannot be written: ${reasonOf(error as NodeJS.ErrnoException, path)}`, { cause: error })
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'ENOENT') return `there is no folder ${dirname(path)}`
  if (code === 'EISDIR') return 'it is a folder'
  return message
}
