/**
 * The bytes of a file of this package: from disk where its URL is a `file:` URL, by fetch otherwise.
 * Throws one line naming the file when it cannot be read.
 */
export const readOwnFile = async (url: URL): Promise<Uint8Array> => {
  try {
    return url.protocol === 'file:' ? await readFromDisk(url) : await readFromServer(url)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(
      `cannot read ${url.href} of @learngene/fashion-mnist (${reason}); the package's data folder must be installed or served with its code`,
    )
  }
}

/** `getBuiltinModule` rather than `import('node:fs/promises')`, which bundlers for browsers refuse even where it never runs. */
const readFromDisk = (url: URL): Promise<Uint8Array> => process.getBuiltinModule('node:fs/promises').readFile(url)

const readFromServer = async (url: URL): Promise<Uint8Array> => {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`)
  return new Uint8Array(await response.arrayBuffer())
}
