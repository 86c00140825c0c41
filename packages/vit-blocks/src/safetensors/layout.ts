import { describe } from './describe.js'
import { SafetensorsError } from './safetensors-error.js'
import type { TensorEntry } from './tensor-entry.js'

/**
 * The entries in the order of their bytes.
 *
 * @throws SafetensorsError unless they cover the bytes from `dataStart` to `fileEnd` exactly once.
 */
export function orderByPosition(
  entries: readonly (readonly [tensor: string, entry: TensorEntry])[],
  file: { name: string; dataStart: number; fileEnd: number },
): Map<string, TensorEntry> {
  const ordered = entries.toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let previous: string | undefined
  let position = file.dataStart
  for (const [tensor, { begin, end }] of ordered) {
    if (begin < position) {
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(tensor)}: must not overlap ${describe(previous)}, which ends at byte ${position}, found begin ${begin}`,
      )
    }
    if (begin > position) {
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(tensor)}: must begin where ${previous === undefined ? 'the header' : describe(previous)} ends, at byte ${position}, found begin ${begin}: a hole of ${begin - position} bytes`,
      )
    }
    previous = tensor
    position = end
  }
  if (position !== file.fileEnd) {
    throw new SafetensorsError(
      `${file.name}: the file must end at byte ${position}, after ${previous === undefined ? 'the header' : `tensor ${describe(previous)}`}, found ${file.fileEnd - position} bytes more`,
    )
  }
  return new Map(ordered)
}
