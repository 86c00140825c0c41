import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource, Dataset } from '@learngene/interfaces'
import { comparing } from './name-order.js'
import { decodeInNode, nodePool } from './off-thread/node-pool.js'
import { openParquet, type ParquetDatasetOptions } from './parquet-dataset.js'

/**
 * Pictures from parquet files on disk, decoded by `decodeImage`; otherwise as `parquetDataset`.
 *
 * @param paths files in the order of their rows, or folders, of which all `.parquet` files count in natural order
 * @throws one line naming the file or folder that cannot be read
 */
export const loadParquet = async (paths: string | readonly string[], options: ParquetDatasetOptions = {}): Promise<Dataset> => {
  const files = (await Promise.all((typeof paths === 'string' ? [paths] : paths).map(filesAt))).flat()
  const sources = await Promise.all(files.map(async (name) => ({ name, bytes: await fileSource(name) })))
  return openParquet(sources, options, { pool: nodePool, decode: decodeInNode })
}

const filesAt = async (path: string): Promise<readonly string[]> => {
  const isFolder = (await stat(path).catch(refuse(path))).isDirectory()
  if (!isFolder) return [path]
  const names = (await readdir(path)).filter((name) => name.endsWith('.parquet')).sort(comparing('natural'))
  if (names.length === 0) throw new Error(`${path}: there must be at least 1 .parquet file, found none`)
  return names.map((name) => join(path, name))
}

/** Opens the file anew for each part, so that nothing has to be closed. */
const fileSource = async (path: string): Promise<ByteSource> => ({
  byteLength: (await stat(path).catch(refuse(path))).size,
  async slice(start, end) {
    const file = await open(path).catch(refuse(path))
    try {
      const bytes = new Uint8Array(end - start)
      let read = 0
      while (read < bytes.length) {
        const { bytesRead } = await file.read(bytes, read, bytes.length - read, start + read)
        if (bytesRead === 0) throw new Error(`${path}: has become shorter than it was`)
        read += bytesRead
      }
      return bytes
    } finally {
      await file.close()
    }
  },
})

const refuse = (path: string) => (error: NodeJS.ErrnoException) => {
  throw new Error(`${path}: cannot be read (${error.code ?? error.message})`)
}
