import { type Network, saveModel } from '@learngene/vit-blocks'
import type { FamilyManifest } from '../family.js'
import type { ExportFormat } from './messages.js'

export interface ExportedFile {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** A descendant as a file to save: our own safetensors, which knows its structure, preprocessing and classes. */
export async function exportModel(
  network: Network,
  path: string,
  classes: readonly string[],
  { details, preprocessing }: FamilyManifest,
  format: ExportFormat,
): Promise<ExportedFile> {
  const { normalisation: _, ...rest } = details
  const described = { ...rest, preprocessing, classNames: [...classes], path } as unknown as FamilyManifest['details']
  const stem = path.replaceAll(/[^\w-]+/g, '_').replace(/_$/, '')
  if (format !== 'safetensors') throw new Error(`this build of the page writes safetensors alone, not ${format}`)
  return {
    name: `${stem}.safetensors`,
    type: 'application/octet-stream',
    bytes: new Uint8Array(await saveModel(network, { details: described })),
  }
}
