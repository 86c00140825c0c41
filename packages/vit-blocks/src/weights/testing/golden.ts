import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Tensor4D, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'
import outputs from './golden/outputs.json' with { type: 'json' }

/** What `make-huggingface-golden.py` made with transformers. */
export type GoldenModel = keyof typeof outputs.logits

export function goldenFolder(model: GoldenModel): string {
  return fileURLToPath(new URL(`./golden/${model}`, import.meta.url))
}

/** All files of a golden model by name. */
export function goldenFiles(model: GoldenModel): { [file: string]: Uint8Array } {
  const folder = goldenFolder(model)
  return Object.fromEntries(readdirSync(folder).map((file) => [file, new Uint8Array(readFileSync(`${folder}/${file}`))]))
}

/** [2, 12, 12, 2] */
export function goldenImages(): Tensor4D {
  return tidy(() => transpose(tensor4d(outputs.images, [2, 2, 12, 12]), [0, 2, 3, 1]))
}

export const goldenLogits = outputs.logits
