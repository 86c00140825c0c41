import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@learngene/interfaces'
import { writeFileAtomically } from '@learngene/vit-blocks/node'
import type { ChunkStore } from './chunk-store.js'

const MANIFEST = 'features.json'

/** Others may fill the same folder: what they are writing is not older. */
const writingMs = 60_000

/**
 * Keeps the ancestor's features in a folder, which is made where it does not exist: a manifest that says what they are features of, and one
 * file per chunk. A file takes its name when it is complete, so a killed process leaves no half one; several processes may fill one folder.
 */
export function featureFolder(dir: string): ChunkStore {
  const fileOf = (chunk: number) => join(dir, `chunk-${String(chunk).padStart(6, '0')}.f32`)
  return {
    async open(manifest) {
      await mkdir(dir, { recursive: true })
      const [unfinished, files] = partition(await readdir(dir), (file) => /^\.(features|chunk-).*\.tmp$/.test(file))
      if (!files.includes(MANIFEST) && files.length > 0) {
        throw new Error(`${dir}: a folder for features must be new, empty or have ${MANIFEST}; it has other files. Name another folder`)
      }
      if (files.length > 0) requireSame(dir, await readManifest(dir), manifest)
      for (const file of unfinished) {
        const found = await stat(join(dir, file)).catch(() => undefined)
        if (found && Date.now() - found.mtimeMs > writingMs) await rm(join(dir, file), { force: true })
      }
      if (files.length === 0) await writeFileAtomically(join(dir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
    },
    has: (chunk, length) => statSync(fileOf(chunk), { throwIfNoEntry: false })?.size === 4 * length,
    write: (chunk, values) => writeFileAtomically(fileOf(chunk), new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    read(chunk, ranges) {
      const path = fileOf(chunk)
      let file: number
      try {
        file = openSync(path, 'r')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
        throw new Error(`${path}: cannot be read: ${(error as Error).message}`)
      }
      try {
        return ranges.every(({ start, target }) => readSync(file, target, 0, target.byteLength, 4 * start) === target.byteLength)
      } finally {
        closeSync(file)
      }
    },
  }
}

async function readManifest(dir: string): Promise<JsonObject> {
  try {
    return JSON.parse(await readFile(join(dir, MANIFEST), 'utf8'))
  } catch (error) {
    throw new Error(`${join(dir, MANIFEST)}: cannot be read as JSON (${(error as Error).message.split('\n')[0]}); remove the folder`)
  }
}

function requireSame(dir: string, found: JsonObject, wanted: JsonObject): void {
  for (const key of new Set([...Object.keys(wanted), ...Object.keys(found ?? {})])) {
    const [is, should] = [JSON.stringify(found?.[key]), JSON.stringify(wanted[key])]
    if (is !== should) {
      throw new Error(
        `${dir}: the features there are stale, of another ${key}: must be ${should}, is ${is}. Remove the folder or name another`,
      )
    }
  }
}

function partition<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(test), values.filter((value) => !test(value))]
}
