export { type Dtype, decodeFloat16, encodeFloat16, isFiniteFloat16, largestFloat16, type TensorData } from './elements.js'
export {
  type EncodeOptions,
  encodedLength,
  encodeSafetensors,
  type FloatDtype,
  type NamedFloatTensor,
  type NamedInt8Tensor,
} from './encode.js'
export { SafetensorsError } from './errors.js'
export { bytesSource, type Header, parseHeader, type TensorEntry } from './header.js'
export { dequantiseRows, type Int8Rows, quantiseRows } from './int8.js'
export {
  type CheckOptions,
  checkTensors,
  type ExpectedShapes,
  type FloatTensor,
  openSafetensors,
  readAllFloat32,
  type SafetensorsFile,
} from './read.js'
