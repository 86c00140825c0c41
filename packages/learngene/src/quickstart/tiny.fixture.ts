import { defaultConfig, type QuickstartConfig } from './config.js'

/** The quickstart in seconds: real images and the real ancestor, little of everything. */
export const tinyQuickstart: QuickstartConfig = {
  ...defaultConfig,
  tiers: [
    { width: 12, depth: 6, epochs: 2 },
    { width: 24, epochs: 0 },
  ],
  calibrationImages: 16,
  stride: 5,
  validationImages: 60,
  trainingImages: 120,
  distillation: { batchSize: 20, learningRate: 1e-3, weightDecay: 0.02 },
  fineTuning: { epochs: 1, batchSize: 20, learningRate: 5e-4, weightDecay: 0.02 },
  initialisers: ['ridge', 'learned', 'leastSquares', 'random'],
  comparisonImages: 30,
  featureImages: 20,
  heldOutImages: 20,
  budget: { macs: 1.5e6 },
  budgets: [2e6, 1e5],
}
