import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import yauzl from 'yauzl'
import { oneLine } from '../errors.js'

/** Those of the wheel that the addon is linked to, by their names in its folder `tensorflow`. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']

const libraryEntries = LIBRARIES.map((name) => `tensorflow/${name}`)

/** What the addon's two source files include, directly or not. */
const HEADERS = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tensorflow/tsl/platform/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/',
  'tensorflow/include/xla/c/',
]

/** A TensorFlow wheel whose table of contents has been read. */
export interface Wheel {
  readonly file: string
  /** `tensorflow_cpu` or `tensorflow`. */
  readonly name: string
  readonly version: string
  /** What pip is to be asked for where TensorFlow shall compute on NVIDIA's cards. */
  readonly cudaRequirements: readonly string[]
  /** Bytes of the two libraries, unpacked. */
  readonly libraryBytes: number
  /** Writes the libraries into one folder and the headers into another. @param report hears of the bytes written */
  extract(to: { libraries: string; headers: string }, signal: AbortSignal, report: (bytes: number) => void): Promise<void>
  close(): void
}

/**
 * Opens a wheel (a zip archive) and reads what is in it.
 *
 * @throws where it cannot be read, is no wheel, or has no TensorFlow libraries for Linux; every error names the file
 */
export async function openWheel(file: string): Promise<Wheel> {
  const zip = await yauzl.openPromise(file, { lazyEntries: true, autoClose: false }).catch((error) => {
    if (error.code === 'ENOENT') throw new Error(`there is no wheel ${file}`)
    throw new Error(`${file} is not a whole wheel (${oneLine(error)}); download it again`)
  })
  try {
    const entries = new Map<string, yauzl.Entry>()
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
    const metadataName = [...entries.keys()].find((name) => /^[^/]+\.dist-info\/METADATA$/.test(name))
    if (metadataName === undefined) throw new Error('it has no *.dist-info/METADATA, so it is not a wheel')
    const missing = libraryEntries.find((name) => !entries.has(name))
    if (missing) throw new Error(`it has no ${missing}; give a wheel of tensorflow or tensorflow_cpu for Linux, such as pip downloads`)
    const metadata = await readText(zip, entries.get(metadataName)!)
    return {
      file,
      ...parseMetadata(metadata),
      libraryBytes: libraryEntries.reduce((sum, name) => sum + entries.get(name)!.uncompressedSize, 0),
      async extract({ libraries, headers }, signal, report) {
        for (const [name, entry] of entries) {
          const to = libraryEntries.includes(name) ? join(libraries, name.slice('tensorflow/'.length)) : headerPath(headers, name)
          if (to !== undefined) await extractEntry(zip, entry, to, signal, report)
        }
      },
      close: () => zip.close(),
    }
  } catch (error) {
    zip.close()
    throw new Error(`${file} cannot be used: ${oneLine(error)}`, { cause: error })
  }
}

function headerPath(directory: string, name: string): string | undefined {
  if (!HEADERS.some((prefix) => name.startsWith(prefix)) || name.endsWith('/')) return undefined
  return join(directory, name.slice('tensorflow/include/'.length))
}

/** Reads what a wheel's METADATA says of it. */
export function parseMetadata(text: string): Pick<Wheel, 'name' | 'version' | 'cudaRequirements'> {
  const field = (key: string) => new RegExp(`^${key}: *(.+?) *\r?$`, 'm').exec(text)?.[1]
  const [name, version] = [field('Name'), field('Version')]
  if (name === undefined || version === undefined) throw new Error('its METADATA has no Name or no Version')
  const requirements = [...text.matchAll(/^Requires-Dist: *([^;\r\n]+?) *; *extra *== *['"]and-cuda['"] *\r?$/gm)]
  return {
    name: name.replaceAll(/[-.]/g, '_').toLowerCase(),
    version,
    cudaRequirements: requirements.map(([, requirement]) => requirement!),
  }
}

async function readText(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function extractEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, to: string, signal: AbortSignal, report: (bytes: number) => void) {
  await mkdir(dirname(to), { recursive: true })
  let sum = 0
  const checksum = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      sum = crc32(chunk, sum)
      report(chunk.length)
      done(null, chunk)
    },
  })
  try {
    await pipeline(await zip.openReadStreamPromise(entry), checksum, createWriteStream(to), { signal })
  } catch (error) {
    if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ENOSPC') throw error
    throw new Error(`the wheel is damaged at ${entry.fileName} (${oneLine(error)}); download it again`)
  }
  if (sum !== entry.crc32) throw new Error(`the wheel is damaged at ${entry.fileName} (its checksum is another); download it again`)
}
