import { toOnnx, toTransformersJs } from '@learngene/export'
import { type Network, saveModel } from '@learngene/vit-blocks'
import { zipSync } from 'fflate'
import type { FamilyManifest } from '../family.js'
import type { ExportFormat } from './messages.js'

export interface ExportedFile {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * A descendant as a file to save: our own safetensors, ONNX (`pixel_values` normalised), or the folder that transformers.js reads, as a zip. Each knows preprocessing and classes.
 *
 * @throws what `saveModel`, `toOnnx` and `toTransformersJs` throw
 */
export async function exportModel(
  network: Network,
  path: string,
  classes: readonly string[],
  { details: stated, preprocessing }: FamilyManifest,
  format: ExportFormat,
): Promise<ExportedFile> {
  const { normalisation: _, ...rest } = stated
  const details = { ...rest, preprocessing, classNames: [...classes], path } as unknown as FamilyManifest['details']
  const stem = path.replaceAll(/[^\w-]+/g, '_').replace(/_$/, '')
  if (format === 'safetensors') return file(`${stem}.safetensors`, 'application/octet-stream', await saveModel(network, { details }))
  if (format === 'transformers') {
    const files = await toTransformersJs(network, { details })
    return file(`${stem}.zip`, 'application/zip', zipped(files, stem))
  }
  const { model, data } = await toOnnx(network, { details })
  if (!data) return file(`${stem}.onnx`, 'application/octet-stream', model)
  const files = new Map([
    [`${stem}.onnx`, model],
    [data.name, data.bytes],
  ])
  return file(`${stem}.zip`, 'application/zip', zipped(files, stem))
}

const file = (name: string, type: string, bytes: Uint8Array): ExportedFile => ({ name, type, bytes: new Uint8Array(bytes) })

/** Weights hardly compress, so they are stored as they are. */
const zipped = (files: ReadonlyMap<string, Uint8Array>, folder: string) =>
  zipSync(Object.fromEntries([...files].map(([path, bytes]) => [`${folder}/${path}`, bytes])), { level: 0 })
