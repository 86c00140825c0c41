import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFolder } from '@learngene/vit-blocks/node'
import type { ModelFiles } from './files.js'

/**
 * Writes a model's files as a folder, whole or not at all: into a new folder beside it, which then takes its name. What the folder held before is gone.
 *
 * @throws Error of one line where it is a file or cannot be written; the earlier folder is then as it was
 */
export async function saveFiles(folder: string, files: ModelFiles): Promise<void> {
  await replaceFolder(folder, async (path) => {
    for (const [name, bytes] of files) {
      const file = join(path, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes, { flush: true })
    }
  })
}
