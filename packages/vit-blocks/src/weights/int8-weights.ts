import { sameShape } from '../safetensors/elements.js'
import { describe, describeShape } from '../safetensors/errors.js'
import {
  dequantiseRows,
  type NamedFloatTensor,
  type NamedInt8Tensor,
  quantiseRows,
  SafetensorsError,
  type SafetensorsFile,
} from '../safetensors/index.js'

// The form of a file of ours whose weights are int8: every tensor of two dimensions or more and of more than one row, `NAME`, is I8, and `NAME.scale` [rows], F32,
// holds what a row is to be multiplied by. All others are F32.

/** Of the tensor with one scale per row. */
const suffix = '.scale'

/** Matrices as whole numbers with a scale per row; all else stays. Floats stand first, so that they are aligned. */
export function quantised(tensors: readonly NamedFloatTensor[]): (NamedFloatTensor | NamedInt8Tensor)[] {
  const floats: NamedFloatTensor[] = []
  const integers: NamedInt8Tensor[] = []
  for (const tensor of tensors) {
    const { name, shape, data } = tensor
    const [rows = 1] = shape
    if (shape.length < 2 || rows === 1) floats.push(tensor)
    else {
      const { values, scales } = quantiseRows(data, rows)
      integers.push({ name, shape, data: values })
      floats.push({ name: name + suffix, shape: [rows], data: scales })
    }
  }
  return [...floats, ...integers]
}

/**
 * A file of ours as if all of its weights were floats; one without I8 as it is.
 *
 * @throws SafetensorsError when a tensor of I8 has no scales, or not one for each row
 */
export function dequantised(file: SafetensorsFile): SafetensorsFile {
  const tensors = new Map(file.tensors)
  const integers = [...file.tensors].filter(([, { dtype }]) => dtype === 'I8')
  if (integers.length === 0) return file
  for (const [name, entry] of integers) {
    const rows = entry.shape.slice(0, 1)
    const scale = file.tensors.get(name + suffix)
    if (scale?.dtype !== 'F32' || !sameShape(scale.shape, rows)) {
      const found = scale ? `${scale.dtype} ${describeShape(scale.shape)}` : 'none'
      throw new SafetensorsError(
        `${file.name}: tensor ${describe(name)}: weights of I8 need ${describe(name + suffix)}, F32 ${describeShape(rows)}, a scale for each row, found ${found}`,
      )
    }
    tensors.delete(name + suffix)
    tensors.set(name, { ...entry, dtype: 'F32' })
  }
  return {
    ...file,
    tensors,
    async readFloat32(name) {
      if (file.tensors.get(name)?.dtype !== 'I8') return file.readFloat32(name)
      const { data } = await file.read(name)
      return dequantiseRows({ values: data as Int8Array, scales: await file.readFloat32(name + suffix) })
    },
  }
}
