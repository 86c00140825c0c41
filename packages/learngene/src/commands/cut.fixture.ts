import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { JsonObject } from '@learngene/interfaces'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, parametersOf, type ViTConfig } from '@learngene/vit-blocks'
import { saveModelFile } from '@learngene/vit-blocks/node'
import { mul, tidy } from '@tensorflow/tfjs-core'
import sharp from 'sharp'
import { startBackend } from '../start-backend.js'

export const tiny: ViTConfig = { imageSize: 8, patchSize: 4, channels: 3, width: 12, depth: 3, heads: 2, classes: 2 }

export const tinyDetails: JsonObject = { normalisation: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }, classNames: ['dog', 'cat'] }

/** A model file whose weights are large enough for its blocks to matter. */
export async function writeLively(file: string, config: Partial<ViTConfig> = {}, details: JsonObject = tinyDetails): Promise<string> {
  await startBackend('wasm')
  const network = createViT({ ...tiny, ...config }, createRng(1))
  for (const parameter of Object.values(parametersOf(network))) {
    if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 12)))
  }
  await saveModelFile(file, network, { details })
  disposeNetwork(network)
  return file
}

/** PNG files of random colours in each of some folders. */
export async function writeImages(
  dir: string,
  folders: readonly string[],
  count: number,
  size = { height: 9, width: 11 },
): Promise<string> {
  const rng = createRng(2)
  for (const folder of folders) {
    for (let i = 0; i < count; i++) {
      const file = join(dir, folder, `${i}.png`)
      const tint = [rng.integer(200), rng.integer(200), rng.integer(200)]
      const pixels = Uint8Array.from({ length: 3 * size.height * size.width }, (_, k) => tint[k % 3]! + rng.integer(56))
      await mkdir(dirname(file), { recursive: true })
      await sharp(pixels, { raw: { ...size, channels: 3 } })
        .png()
        .toFile(file)
    }
  }
  return dir
}
