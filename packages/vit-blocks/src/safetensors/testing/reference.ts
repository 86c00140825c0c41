import { readFileSync } from 'node:fs'
import { openSafetensors, type SafetensorsFile } from '../index.js'

/** Files written by PyTorch: a ViT's parameters with what it computes (see its metadata), and a smaller ViT's parameters in two element types. */
export type Reference = 'timm-vit-golden' | 'timm-vit-fp16' | 'timm-vit-bf16'

export function referenceBytes(reference: Reference): Uint8Array {
  return readFileSync(new URL(`../../testing/reference/${reference}.safetensors`, import.meta.url))
}

export function openReference(reference: Reference): Promise<SafetensorsFile> {
  return openSafetensors(referenceBytes(reference), { name: reference })
}
