import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { RunConfig } from './config.js'

/** Pictures of three classes in a folder, 16 x 16 and a little larger: a bright third that is at the top, in the middle or at the bottom. */
export async function writeSmallPictures(dir: string, each = 20): Promise<void> {
  for (const [third, name] of ['oben', 'mitte ü', 'unten'].entries()) {
    await mkdir(join(dir, name), { recursive: true })
    for (let i = 0; i < each; i++) {
      const [width, height] = [16 + (i % 5), 18]
      const noise = (k: number) => (k * 7919 + i * 104729) % 60
      const bright = (k: number) => Math.floor((3 * Math.floor(k / width)) / height) === third
      const data = Uint8Array.from({ length: width * height }, (_, k) => noise(k) + (bright(k) ? 150 : 0))
      await sharp(data, { raw: { width, height, channels: 1 } })
        .png()
        .toFile(join(dir, name, `${i}.png`))
    }
  }
}

/** A run of seconds on them. */
export const smallRun: Omit<RunConfig, 'images'> = {
  ancestor: 'train',
  model: {
    width: 12,
    depth: 2,
    heads: 2,
    patchSize: 4,
    imageSize: [16, 16],
    channels: 1,
    training: { epochs: 6, batchSize: 12, learningRate: 3e-3 },
  },
  tiers: [{ width: 6, epochs: 4 }],
  calibrationImages: 12,
  distillation: { batchSize: 12, learningRate: 1e-3 },
  labelWeight: 0.2,
  space: { kind: 'aligned', stride: 1 },
  initialisers: ['ridge'],
  featureImages: 12,
  comparisonImages: 6,
  heldOutImages: 6,
  fineTuning: { epochs: 3, batchSize: 12, learningRate: 1e-3 },
  baseline: false,
  budget: {},
  budgets: [],
}
