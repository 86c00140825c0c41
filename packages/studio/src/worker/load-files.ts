import { FAMILY, type FamilyManifest, readFamily } from '../family.js'

/** The manifest of a family whose files are at `base`. @throws Error of one line where there is none */
export async function loadManifest(base: string): Promise<FamilyManifest> {
  const response = await reach(new URL(FAMILY, base))
  return readFamily(await response.text())
}

/** A file's bytes; `progress` is told how many have come. @throws Error of one line where it cannot be loaded, or comes short */
export async function loadFile(base: string, file: string, expected: number, progress: (loaded: number) => void): Promise<Uint8Array> {
  const response = await reach(new URL(file, base))
  const bytes = new Uint8Array(expected)
  const reader = response.body!.getReader()
  let loaded = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (loaded + value.length > expected) throw new Error(`${file} must have ${expected} bytes; more came: build the page again`)
    bytes.set(value, loaded)
    loaded += value.length
    progress(loaded)
  }
  if (loaded !== expected) throw new Error(`${file} must have ${expected} bytes; ${loaded} came: load the page again`)
  return bytes
}

async function reach(address: URL): Promise<Response> {
  let response: Response
  try {
    response = await fetch(address)
  } catch (error) {
    throw new Error(`${address.pathname} cannot be loaded (${(error as Error).message}): is the network there?`)
  }
  if (!response.ok) throw new Error(`${address.pathname} cannot be loaded: the server says ${response.status}`)
  return response
}
