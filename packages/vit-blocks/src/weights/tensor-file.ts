import type { SafetensorsFile } from '../safetensors/index.js'

/** Tensors by name from one file or several: what of a safetensors file a checkpoint needs. */
export type TensorFile = Pick<SafetensorsFile, 'name' | 'metadata' | 'tensors' | 'readFloat32'>
