import { defaultConfig, type QuickstartConfig } from './config.js'

/** The quickstart in seconds: real images and the real ancestor, little of everything. */
export const tinyQuickstart: QuickstartConfig = {
  ...defaultConfig,
  auxiliaries: [
    { width: 16, depth: 3, heads: 2 },
    { width: 32, depth: 3, heads: 2 },
  ],
  validationImages: 60,
  trainingImages: 120,
  distillation: { epochs: 2, batchSize: 20, learningRate: 2e-3, weightDecay: 0.05 },
  fineTuning: { epochs: 1, batchSize: 20, learningRate: 5e-4, weightDecay: 0.05 },
  comparisonImages: 30,
  featureImages: 20,
  heldOutImages: 20,
  budget: { macs: 6e5 },
}
