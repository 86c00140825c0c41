import { type FileHandle, open } from 'node:fs/promises'
import type { ByteSource } from '@learngene/interfaces'
import { SafetensorsError } from './errors.js'

const largestRead = 2 ** 30

/**
 * A file as a source, for Node. The file is opened for each slice, so nothing needs closing.
 *
 * @throws SafetensorsError if the file cannot be opened or is no regular file; from `slice` also if the file was changed or replaced since.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const initial = await withFile(path, (_file, state) => state)
  return {
    byteLength: initial.size,
    slice: (start, end) =>
      withFile(path, (file, state) => {
        if (state.version !== initial.version) {
          throw new SafetensorsError(`${path}: the file must stay as it is while it is read, but it was changed; open it again`)
        }
        return readRange(file, start, end)
      }),
  }
}

/** Of a file: its length in bytes and what tells it from other files and from itself after a change. */
interface FileState {
  readonly size: number
  readonly version: string
}

async function withFile<T>(path: string, use: (file: FileHandle, state: FileState) => Promise<T> | T): Promise<T> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new SafetensorsError(`${path}: cannot be opened: ${error.code === 'ENOENT' ? 'no such file' : error.message}`)
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new SafetensorsError(`${path}: must be a regular file`)
    return await use(file, { size: stat.size, version: `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}` })
  } finally {
    await file.close()
  }
}

/** Bytes start to end, fewer where the file ends before. */
async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start)
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(bytes.length - filled, largestRead), start + filled)
    if (bytesRead === 0) return bytes.subarray(0, filled)
    filled += bytesRead
  }
  return bytes
}
