import { arrayDataset } from '@learngene/datasets'
import type { LearngeneConfig } from 'learngene'

const [side, length] = [16, 72]
const labels = Uint8Array.from({ length }, (_, index) => index % 3)

/** Pictures of three classes: a bright third that is at the top, in the middle or at the bottom. */
const thirds = arrayDataset({
  name: 'thirds',
  imageShape: [side, side, 1],
  classes: ['top', 'middle', 'bottom'],
  labels,
  pixels: Uint8Array.from({ length: length * side * side }, (_, i) => {
    const third = Math.floor((3 * (Math.floor(i / side) % side)) / side)
    return ((i * 7919) % 60) + (third === labels[Math.floor(i / (side * side))] ? 150 : 0)
  }),
})

const training = { batchSize: 12, learningRate: 3e-3 }

/** A run of seconds, which each example changes in one place. Of pictures of your own, leave out the numbers: those that suit them are the default. */
export const small = {
  ancestor: 'train',
  data: () => ({ training: thirds }),
  model: { width: 12, depth: 3, heads: 2, patchSize: 4, imageSize: [side, side], channels: 1, training: { ...training, epochs: 8 } },
  tiers: [{ width: 6, epochs: 4 }],
  calibrationImages: 12,
  distillation: training,
  space: { kind: 'aligned', stride: 1 },
  initialisers: ['ridge'],
  featureImages: 24,
  comparisonImages: 6,
  heldOutImages: 6,
  fineTuning: { ...training, epochs: 3 },
  budgets: [],
} satisfies LearngeneConfig
