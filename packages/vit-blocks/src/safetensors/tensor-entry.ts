import { describe, describeShape } from './describe.js'
import { type Dtype, dtypes, elementBytes, isDtype } from './dtype.js'
import { isRecord } from './header-json.js'
import { SafetensorsError } from './safetensors-error.js'
import { elementCount, isShape } from './shape.js'

/** One tensor of a file. */
export interface TensorEntry {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** First byte in the file. */
  readonly begin: number
  /** One after the last byte in the file. */
  readonly end: number
}

/** Checks one entry of the header against the format and against the file, whose tensor data lie from `dataStart` to `fileEnd`. */
export function parseTensorEntry(value: unknown, tensor: string, file: { name: string; dataStart: number; fileEnd: number }): TensorEntry {
  const fail = (problem: string): never => {
    throw new SafetensorsError(`${file.name}: tensor ${describe(tensor)}: ${problem}`)
  }
  if (!isRecord(value)) return fail(`its header entry must be an object, found ${describe(value)}`)
  for (const field of ['dtype', 'shape', 'data_offsets']) {
    if (!Object.hasOwn(value, field)) return fail(`its header entry must have dtype, shape and data_offsets, found no ${field}`)
  }
  const { dtype, shape, data_offsets: offsets } = value
  if (!isDtype(dtype)) return fail(`dtype must be one of ${dtypes.join(', ')}, found ${describe(dtype)}`)
  if (!isShape(shape)) return fail(`shape must be a list of whole numbers of at least 0, found ${describe(shape)}`)
  const count = elementCount(shape)
  const bytes = count === undefined ? undefined : count * elementBytes(dtype)
  if (bytes === undefined || !Number.isSafeInteger(bytes)) {
    return fail(`shape must make at most 2^53 - 1 bytes of ${dtype}, found ${describeShape(shape)}`)
  }
  if (!isOffsets(offsets))
    return fail(`data_offsets must be two whole numbers of at least 0, the first not above the second, found ${describe(offsets)}`)
  const available = file.fileEnd - file.dataStart
  if (offsets[1] > available) {
    return fail(
      `data_offsets must end within the ${available} bytes after the header, found ${describeShape(offsets)}; the file is truncated or damaged, fetch or write it again`,
    )
  }
  if (offsets[1] - offsets[0] !== bytes) {
    return fail(
      `${dtype} of shape ${describeShape(shape)} must have ${bytes} bytes, found ${offsets[1] - offsets[0]} in data_offsets ${describeShape(offsets)}`,
    )
  }
  return { dtype, shape, begin: file.dataStart + offsets[0], end: file.dataStart + offsets[1] }
}

function isOffsets(value: unknown): value is [begin: number, end: number] {
  return isShape(value) && value.length === 2 && value[0]! <= value[1]!
}
