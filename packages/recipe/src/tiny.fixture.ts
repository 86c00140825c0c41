import { subset } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { startBackend } from '@learngene/testing'
import { loadModel } from '@learngene/vit-blocks'
import type { Recipe } from './recipe.js'

export const wasm = () => startBackend('wasm')

/** A run in seconds: real images and the real ancestor, little of everything. */
export async function tinyRecipe(): Promise<Recipe> {
  const few = Array.from({ length: 80 }, (_, i) => i * 25)
  return {
    seed: 1,
    ancestor: { name: 'the embedded ancestor', fingerprint: 'embedded', load: async () => loadModel(await readAncestor()) },
    data: { training: await loadTrain(), test: subset(await loadTest(), few), validationImages: 60, trainingImages: 120 },
    tiers: [
      { width: 12, depth: 6, epochs: 2 },
      { width: 24, epochs: 0 },
    ],
    calibrationImages: 16,
    space: { kind: 'aligned', stride: 5 },
    distillation: { batchSize: 20, learningRate: 1e-3, weightDecay: 0.02 },
    fineTuning: { epochs: 1, batchSize: 20, learningRate: 5e-4, weightDecay: 0.02 },
    initialisers: ['ridge', 'learned', 'leastSquares', 'random'],
    comparisonImages: 30,
    featureImages: 20,
    heldOutImages: 20,
    baseline: true,
    budget: { macs: 1.5e6 },
    budgets: [2e6, 1e5],
  }
}
