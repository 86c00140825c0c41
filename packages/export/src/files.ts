import type { Json } from '@learngene/interfaces'

/** Files of a folder by their path in it, such as `onnx/model.onnx`. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>

/** Text as a file has it. */
export const textFile = (text: string): Uint8Array => new TextEncoder().encode(text)

/** JSON as the libraries write it. */
export const jsonFile = (value: Json): Uint8Array => textFile(`${JSON.stringify(value, null, 2)}\n`)
