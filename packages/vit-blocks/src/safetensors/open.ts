import type { ByteSource } from '@learngene/interfaces'
import { bytesSource, readExactly } from './bytes-source.js'
import { decode, type TensorData } from './decode.js'
import { describe, describeList } from './describe.js'
import { type Dtype, isWeight } from './dtype.js'
import { type Header, parseHeader } from './header.js'
import { SafetensorsError } from './safetensors-error.js'
import type { TensorEntry } from './tensor-entry.js'

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
