/** A file's bytes by its address relative to a module: from the disk under Node, from the server in a page. */
export async function readFile(url: URL): Promise<Uint8Array> {
  if (typeof window !== 'undefined') return new Uint8Array(await (await fetch(url)).arrayBuffer())
  const { readFile } = await import('node:fs/promises')
  return readFile(url)
}
