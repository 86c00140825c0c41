import type { ByteSource, Dataset, RawImage } from '@learngene/interfaces'
import type { AsyncBuffer, FileMetaData, parquetReadObjects } from 'hyparquet'
import { checkClasses } from './array-dataset.js'
import { once, sha256, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { checkedIndex } from './indices.js'
import { comparing } from './name-order.js'
import { decodeInPage, pagePool } from './off-thread/page-pool.js'
import type { DatasetElsewhere, PicturePool } from './off-thread/pool.js'
import type { DecodePlace } from './off-thread/prepare.js'
import type { DecodeOptions } from './preprocess/decode-image.js'

export interface ParquetFile {
  /** For errors: the file's path or address. */
  readonly name: string
  /** The whole file in memory, or what reads parts of it. */
  readonly bytes: Uint8Array | ByteSource
}

export interface ParquetDatasetOptions extends DecodeOptions {
  /** Default: the first file's name. */
  readonly name?: string
  /** The column of the pictures, either files as bytes or structs { bytes, path }. Default: the first that Hugging Face's metadata call an `Image`, else `image`. */
  readonly image?: string
  /** The column of the labels, numbers or names; null for pictures alone. Default: the first `ClassLabel` of the metadata, else `label` where there is one. */
  readonly label?: string | null
  /** In the order that labels count. Default: those of the metadata; of labels that are names, the names that occur in natural order; of numbers, the numbers. */
  readonly classes?: readonly string[]
  /** Decodes a picture's file; default `decodeBlob`, which needs a browser. */
  readonly decode?: (file: Uint8Array, options: DecodeOptions) => Promise<RawImage>
  /**
   * Bytes of pictures, not decoded, that are kept. Default 1 GiB. Where all pictures fit, each row group is read once; where they do not, single pages where the files have an
   * offset index, else row groups, of which the last used are kept.
   */
  readonly memoryLimit?: number
}

/**
 * Pictures in the rows of parquet files, as Hugging Face stores data sets: labels are read at once, pictures by row groups when they are asked for.
 *
 * @throws one line naming the file that cannot be read, the column that is missing or of another kind, or the row whose label is not possible
 */
export const parquetDataset = (files: readonly ParquetFile[], options: ParquetDatasetOptions = {}): Promise<Dataset> =>
  openParquet(files, options, { pool: pagePool, decode: decodeInPage })

/** For either platform: its threads, and how it decodes on the one that calls. */
export const openParquet = async (
  files: readonly ParquetFile[],
  options: ParquetDatasetOptions,
  platform: { readonly pool: PicturePool; readonly decode: DecodePlace },
): Promise<DatasetElsewhere> => {
  const { memoryLimit = 2 ** 30, exifOrientation = true } = options
  if (files.length === 0) throw new Error('parquetDataset needs at least 1 file, got none')
  if (!(memoryLimit >= 0)) throw new RangeError(`memoryLimit must be a number of bytes of at least 0, got ${memoryLimit}`)
  const opened = await Promise.all(files.map(open))
  const features = featuresOf(opened[0]!.metadata)
  const image = options.image ?? features.image ?? 'image'
  const hasLabel = columnsOf(opened[0]!).includes('label')
  const label = options.label === undefined ? (features.label?.column ?? (hasLabel ? 'label' : null)) : options.label
  for (const file of opened) for (const column of label === null ? [image] : [image, label]) checkColumn(file, column)

  const groups = groupsOf(opened, image)
  const length = groups.reduce((sum, { rows }) => sum + rows, 0)
  const name = options.name ?? files[0]!.name
  if (length === 0) throw new Error(`${name}: a dataset needs at least 1 row, got none`)
  const nameOf = (index: number): string => {
    const { file, first, start } = groupOf(groups, checkedIndex(name, index, length))
    return `${file.name}, row ${start + index - first}`
  }
  const stored = label === null ? [] : await readLabels(opened, label)
  const names = label === null ? [] : (options.classes ?? (features.label?.column === label ? features.label.names : undefined))
  const { classes, labels } = label === null ? { classes: [], labels: [] } : classify(name, stored, names, nameOf)
  const readRow = rowReader(groups, image, memoryLimit)

  const naming = (index: number) => (error: Error) => {
    throw new Error(`${nameOf(index)}: ${error.message}`, { cause: error })
  }
  const place = async (index: number, signal?: AbortSignal) => {
    const group = groupOf(groups, checkedIndex(name, index, length))
    signal?.throwIfAborted()
    const bytes = await readRow(group, index - group.first)
      .then(fileOf)
      .catch(naming(index))
    signal?.throwIfAborted()
    return { bytes, options: { exifOrientation } }
  }
  const { decode } = options
  return {
    name,
    length,
    classes,
    labels,
    nameOf,
    async picture(index, signal) {
      const { bytes, options } = await place(index, signal)
      return (decode ? decode(bytes, options) : platform.decode({ bytes, options })).catch(naming(index))
    },
    ...(!decode && { elsewhere: { pool: platform.pool, place } }),
    fingerprint: once(async () => {
      const hashes: string[] = []
      for (const file of opened) hashes.push(await hashOf(file.buffer))
      return sha256OfJson([hashes, image, await sha256OfNumbers(labels), classes, exifOrientation])
    }),
  }
}

interface OpenFile {
  readonly name: string
  readonly buffer: AsyncBuffer
  readonly metadata: FileMetaData
}

const open = async ({ name, bytes }: ParquetFile): Promise<OpenFile> => {
  const buffer: AsyncBuffer = {
    byteLength: bytes.byteLength,
    async slice(start, end = bytes.byteLength) {
      const part = await bytes.slice(start, end)
      // hyparquet takes the whole of a buffer.
      return (part.byteLength === part.buffer.byteLength ? part.buffer : part.slice().buffer) as ArrayBuffer
    },
  }
  const { parquetMetadataAsync } = await import('hyparquet')
  const metadata = await parquetMetadataAsync(buffer).catch((error: Error) => {
    throw new Error(`${name}: cannot be read as a parquet file (${error.message})`)
  })
  return { name, buffer, metadata }
}

/** Rows as objects. hyparquet is loaded here, so that pages which read no parquet files do not download it: its decompressors alone are 90 kB. */
const readObjects = async (options: Parameters<typeof parquetReadObjects>[0]) => {
  const [{ parquetReadObjects }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
  return parquetReadObjects({ ...options, compressors })
}

/** The names of the columns, without those inside of them. */
const columnsOf = ({ metadata }: OpenFile): readonly string[] => {
  const columns: string[] = []
  // The schema is a tree, listed depth first; its root comes first.
  const skip = (at: number): number => {
    let next = at + 1
    for (let child = 0; child < (metadata.schema[at]!.num_children ?? 0); child++) next = skip(next)
    return next
  }
  for (let at = 1; at < metadata.schema.length; at = skip(at)) columns.push(metadata.schema[at]!.name)
  return columns
}

const checkColumn = (file: OpenFile, column: string): void => {
  const columns = columnsOf(file)
  if (!columns.includes(column))
    throw new Error(
      `${file.name}: there must be a column '${column}', found ${columns.join(', ')}; name it: { image: COLUMN, label: COLUMN }`,
    )
}

interface Features {
  readonly image?: string
  readonly label?: { readonly column: string; readonly names: readonly string[] }
}

/** What Hugging Face's metadata say about the columns; nothing where there are none that can be understood. */
const featuresOf = ({ key_value_metadata: pairs = [] }: FileMetaData): Features => {
  try {
    const stored = JSON.parse(pairs.find(({ key }) => key === 'huggingface')?.value ?? '{}')
    const features = Object.entries<{ readonly _type?: string; readonly names?: readonly string[] }>(stored.info?.features ?? {})
    const label = features.find(([, { _type, names }]) => _type === 'ClassLabel' && Array.isArray(names))
    return {
      image: features.find(([, { _type }]) => _type === 'Image')?.[0],
      label: label && { column: label[0], names: label[1].names! },
    }
  } catch {
    return {}
  }
}

/** Rows that are stored together. */
interface Group {
  readonly file: OpenFile
  /** In the dataset. */
  readonly first: number
  /** In the file. */
  readonly start: number
  readonly rows: number
  readonly bytes: number
  readonly hasOffsetIndex: boolean
}

const groupsOf = (files: readonly OpenFile[], image: string): readonly Group[] => {
  const groups: Group[] = []
  let first = 0
  for (const file of files) {
    let start = 0
    for (const group of file.metadata.row_groups) {
      const rows = Number(group.num_rows)
      const chunks = group.columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === image)
      const bytes = chunks.reduce((sum, { meta_data }) => sum + Number(meta_data!.total_uncompressed_size), 0)
      const hasOffsetIndex = chunks.every(({ offset_index_length }) => offset_index_length)
      if (rows > 0) groups.push({ file, first, start, rows, bytes, hasOffsetIndex })
      first += rows
      start += rows
    }
  }
  return groups
}

const groupOf = (groups: readonly Group[], index: number): Group => {
  let [low, high] = [0, groups.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (groups[middle]!.first <= index) low = middle
    else high = middle - 1
  }
  return groups[low]!
}

/** Reads the value of a row of a group, and keeps whole groups where there is room. */
const rowReader = (groups: readonly Group[], column: string, limit: number) => {
  const total = groups.reduce((sum, { bytes }) => sum + bytes, 0)
  const kept = new Map<Group, Promise<readonly unknown[]>>()
  let used = 0
  const read = async ({ file, start }: Group, from: number, to: number): Promise<readonly unknown[]> => {
    const { buffer, metadata } = file
    const range = { rowStart: start + from, rowEnd: start + to }
    // Without utf8 bytes stay bytes.
    const rows = await readObjects({
      file: buffer,
      metadata,
      columns: [column],
      ...range,
      utf8: false,
      useOffsetIndex: true,
    })
    return rows.map((row) => row[column])
  }
  return async (group: Group, row: number): Promise<unknown> => {
    if (total > limit && group.hasOffsetIndex) return (await read(group, row, row + 1))[0]
    let values = kept.get(group)
    if (values) kept.delete(group)
    else {
      values = read(group, 0, group.rows)
      used += group.bytes
    }
    // The last used come last, and the first go first.
    kept.set(group, values)
    for (const other of kept.keys()) {
      if (used <= limit || other === group) break
      kept.delete(other)
      used -= other.bytes
    }
    try {
      return (await values)[row]
    } catch (error) {
      if (kept.delete(group)) used -= group.bytes
      throw error
    }
  }
}

const fileOf = (value: unknown): Uint8Array => {
  const found = value instanceof Uint8Array ? value : (value as { readonly bytes?: unknown } | null)?.bytes
  if (found instanceof Uint8Array) return found
  const path = (value as { readonly path?: unknown } | null)?.path
  throw new Error(
    `a picture must be stored as bytes, or as { bytes, path } with bytes, got ${path ? 'a path alone' : value === null || value === undefined ? 'no value' : typeof value}`,
  )
}

const readLabels = async (files: readonly OpenFile[], label: string): Promise<readonly unknown[]> => {
  const labels: unknown[] = []
  for (const { name, buffer, metadata } of files) {
    const rows = await readObjects({ file: buffer, metadata, columns: [label] }).catch((error: Error) => {
      throw new Error(`${name}: the column ${label} cannot be read (${error.message})`)
    })
    for (const row of rows) labels.push(row[label])
  }
  return labels
}

const classify = (name: string, stored: readonly unknown[], names: readonly string[] | undefined, nameOf: (row: number) => string) => {
  const isName = typeof stored[0] === 'string'
  const numbers = isName ? [] : stored.map((value) => (typeof value === 'bigint' ? Number(value) : value))
  const classes = names ?? (isName ? namesIn(stored) : numbersIn(numbers))
  checkClasses(name, classes)
  const positions = new Map(classes.map((each, i) => [each, i]))
  const labels = Uint32Array.from(isName ? stored : numbers, (value, row) => {
    const position = isName ? positions.get(value as string) : (value as number)
    if (position === undefined || !Number.isInteger(position) || position < 0 || position >= classes.length)
      throw new Error(
        `${nameOf(row)}: a label must be ${isName ? 'one of the classes' : `an integer from 0 to ${classes.length - 1}`}, got ${JSON.stringify(value) ?? value}; give all classes: { classes }, or read pictures alone: { label: null }`,
      )
    return position
  })
  return { classes, labels }
}

const namesIn = (stored: readonly unknown[]): readonly string[] =>
  [...new Set(stored.filter((value): value is string => typeof value === 'string'))].sort(comparing('natural'))

const numbersIn = (numbers: readonly unknown[]): readonly string[] => {
  const highest = numbers.reduce<number>((most, value) => (typeof value === 'number' && value > most ? value : most), 0)
  return Array.from({ length: Math.min(2 ** 20, Math.trunc(highest) + 1) }, (_, i) => String(i))
}

/** Of a file that need not fit into memory: the hash of the hashes of its parts. */
const hashOf = async (buffer: AsyncBuffer): Promise<string> => {
  const part = 2 ** 26
  const hashes: string[] = []
  for (let start = 0; start < buffer.byteLength; start += part) {
    hashes.push(await sha256(new Uint8Array(await buffer.slice(start, Math.min(buffer.byteLength, start + part)))))
  }
  return sha256OfJson(hashes)
}
