import { type CheckOptions, checkTensors, type ExpectedShapes } from './check.js'
import { describe } from './describe.js'
import { firstNonFinite } from './non-finite.js'
import type { SafetensorsFile } from './open.js'
import { SafetensorsError } from './safetensors-error.js'

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
