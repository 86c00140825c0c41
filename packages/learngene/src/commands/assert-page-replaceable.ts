import { open, stat } from 'node:fs/promises'

/** Refuses to write over a file that is none of our pages. @param remedy what to do about another file @throws with the file's name */
export async function assertPageReplaceable(file: string, remedy = 'replace it with --force'): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  })
  if (!found || (found.isFile() && (await beginning(file)).includes('<title>Learngene'))) return
  const what = found.isDirectory() ? 'is a directory' : 'exists and is no page of learngene'
  throw new Error(`${file} ${what}; name another file${found.isFile() ? `, or ${remedy}` : ''}`)
}

/** More than a page has before its title. */
const BEGINNING = 1024

async function beginning(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
