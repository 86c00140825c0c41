import type { ByteSource } from '@learngene/interfaces'
import { type Dtype, decode, firstNonFinite, isWeight, sameShape, type TensorData } from './elements.js'
import { describe, describeList, describeShape, SafetensorsError } from './errors.js'
import { bytesSource, type Header, parseHeader, readExactly, type TensorEntry } from './header.js'

/** An open file: its header is checked, tensors are read when asked for. */
export interface SafetensorsFile extends Header {
  /** Names the file in errors. */
  readonly name: string
  /**
   * One tensor in memory of its own; `dtype` is the stored one.
   *
   * @throws SafetensorsError if there is no such tensor.
   */
  read(tensor: string): Promise<{ readonly dtype: Dtype; readonly shape: readonly number[]; readonly data: TensorData }>
  /**
   * The elements of a floating-point tensor, row by row. F32, F16 and BF16 are exact, F64 is rounded to nearest. Infinities and NaN are kept.
   *
   * @throws SafetensorsError if there is no such tensor or it has another type.
   */
  readFloat32(tensor: string): Promise<Float32Array>
}

/**
 * Opens a safetensors file from memory or any other source and checks its whole header.
 *
 * @param name Names the file in errors, for example its path.
 * @throws SafetensorsError if any rule of the format is broken.
 */
export async function openSafetensors(source: ByteSource | Uint8Array, { name }: { name: string }): Promise<SafetensorsFile> {
  const bytes = source instanceof Uint8Array ? bytesSource(source) : source
  const header = await parseHeader(bytes, { name })
  return { ...header, name, read, readFloat32 }

  async function read(tensor: string) {
    const { dtype, shape, begin, end } = find(tensor)
    return { dtype, shape, data: decode(dtype, await readExactly(bytes, begin, end, name)) }
  }

  async function readFloat32(tensor: string): Promise<Float32Array> {
    const { dtype } = find(tensor)
    if (!isWeight(dtype)) {
      throw new SafetensorsError(
        `${name}: tensor ${describe(tensor)}: dtype must be F32, F16, BF16 or F64 to be read as floats, found ${dtype}`,
      )
    }
    const { data } = await read(tensor)
    return data instanceof Float32Array ? data : new Float32Array(data as Float64Array)
  }

  function find(tensor: string): TensorEntry {
    const entry = header.tensors.get(tensor)
    if (entry) return entry
    const names = describeList([...header.tensors.keys()].map(describe)) || 'no tensors'
    throw new SafetensorsError(`${name}: tensor ${describe(tensor)} is not in the file, which has ${names}`)
  }
}

/** Stands for a tensor until it is read: reading goes by the order of the file, so that sources can read ahead. */
const unread = new Float32Array(0)

/** A tensor outside any backend: elements row by row. */
export interface FloatTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * Reads all expected tensors, in the order of `expected`. Returns only once everything is read and found good, so that nothing is half-loaded.
 *
 * @throws SafetensorsError if tensors are missing, extra (unless allowed) or of another shape, have an integer type, or hold infinities or NaN.
 */
export async function readAllFloat32(
  file: Pick<SafetensorsFile, 'name' | 'tensors' | 'readFloat32'>,
  expected: ExpectedShapes,
  options: CheckOptions = {},
): Promise<Map<string, FloatTensor>> {
  checkTensors(file, expected, options)
  const tensors = new Map<string, FloatTensor>()
  for (const [tensor, shape] of Object.entries(expected)) tensors.set(tensor, { shape, data: unread })
  for (const tensor of file.tensors.keys()) {
    if (!tensors.has(tensor)) continue
    const data = await file.readFloat32(tensor)
    const index = firstNonFinite(data)
    if (index >= 0) {
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(tensor)}: every value must be finite, found ${data[index]} at index ${index}`,
      )
    }
    tensors.set(tensor, { shape: expected[tensor]!, data })
  }
  return tensors
}

/** Tensor shapes by name. */
export type ExpectedShapes = { readonly [tensor: string]: readonly number[] }

export interface CheckOptions {
  /** Whether the file may hold tensors that are not expected. Default false. */
  readonly allowExtra?: boolean
}

/**
 * Checks that a file holds exactly the expected tensors.
 *
 * @throws SafetensorsError with all missing, misshapen and extra tensors in one line: the first of each kind by name, the others counted.
 */
export function checkTensors(
  file: Pick<SafetensorsFile, 'name' | 'tensors'>,
  expected: ExpectedShapes,
  { allowExtra = false }: CheckOptions = {},
): void {
  const missing: string[] = []
  const misshapen: string[] = []
  for (const [tensor, shape] of Object.entries(expected)) {
    const found = file.tensors.get(tensor)
    if (!found) missing.push(`${describe(tensor)} ${describeShape(shape)}`)
    else if (!sameShape(found.shape, shape)) {
      misshapen.push(`${describe(tensor)} (expected ${describeShape(shape)}, found ${describeShape(found.shape)})`)
    }
  }
  const extra = allowExtra ? [] : [...file.tensors].filter(([tensor]) => !Object.hasOwn(expected, tensor))
  const problems = [
    ...report('missing', missing),
    ...report('of another shape', misshapen),
    ...report(
      'not expected',
      extra.map(([tensor, { shape }]) => `${describe(tensor)} ${describeShape(shape)}`),
    ),
  ]
  if (problems.length > 0) {
    throw new SafetensorsError(
      `${file.name}: the tensors must be the ${Object.keys(expected).length} that the model has: ${problems.join('; ')}; does the file belong to this model?`,
    )
  }
}

function report(kind: string, tensors: readonly string[]): string[] {
  return tensors.length === 0 ? [] : [`${tensors.length} ${kind}: ${describeList(tensors)}`]
}
