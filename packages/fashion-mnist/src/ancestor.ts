import { readOwnFile } from './read-own-file.js'

/** Where the embedded ancestor is: a `file:` URL in Node, what the page was served from in a browser. */
export const ancestorUrl = new URL('../data/ancestor.safetensors', import.meta.url)

/** The bytes of the embedded ancestor, a safetensors file. Throws one line naming the file when it cannot be read. */
export const readAncestor = (): Promise<Uint8Array> => readOwnFile(ancestorUrl)
