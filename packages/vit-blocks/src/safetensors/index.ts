export type { Dtype, TensorData } from './elements.js'
export { type EncodeOptions, encodedLength, encodeSafetensors, type FloatDtype, type NamedFloatTensor } from './encode.js'
export { SafetensorsError } from './errors.js'
export { bytesSource, type Header, parseHeader, type TensorEntry } from './header.js'
export {
  type CheckOptions,
  checkTensors,
  type ExpectedShapes,
  type FloatTensor,
  openSafetensors,
  readAllFloat32,
  type SafetensorsFile,
} from './read.js'
