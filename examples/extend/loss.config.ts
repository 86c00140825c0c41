// Losses of one's own: a term that distillation takes besides its own, and a loss that tunes the pool in place of cross entropies.
// npx learngene run --config examples/extend/loss.config.ts --out runs/loss
import { cosineDistance, softTarget } from '@learngene/distill-losses'
import { crossEntropy } from '@learngene/ops'
import { mul } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { small } from './small.js'

export default defineConfig({
  ...small,
  distillation: {
    ...small.distillation,
    // By name in metrics.jsonl: `cosine`.
    extraTerms: () => [
      {
        name: 'cosine',
        weight: 0.5,
        studentFeatures: [],
        ancestorFeatures: [],
        loss: (student, ancestor) => cosineDistance(student.logits, ancestor.logits), // [B]
      },
    ],
  },
  fineTuning: {
    ...small.fineTuning,
    // Terms of one value per image, added up; by name in metrics.jsonl: `labels` and `warm`.
    loss: (logits, { targets, ancestor }) => ({
      labels: mul(crossEntropy(logits, targets), 0.3),
      warm: mul(softTarget(logits, ancestor!, { temperature: 2 }), 0.7),
    }),
  },
})
