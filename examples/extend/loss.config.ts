// Losses of one's own: a term that distillation takes besides its own, and a loss that tunes the pool in place of cross entropies.
// npx learngene run --config examples/extend/loss.config.ts --out runs/loss
import { decoupledKd, pkt, softTarget } from '@learngene/distill-losses'
import { crossEntropy } from '@learngene/ops'
import { mul } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { small } from './small.js'

export default defineConfig({
  ...small,
  distillation: {
    ...small.distillation,
    // By name in metrics.jsonl: `dkd`.
    extraTerms: () => [
      {
        name: 'dkd',
        weight: 0.5,
        studentFeatures: [],
        ancestorFeatures: [],
        loss: (student, ancestor, targets) => decoupledKd(student.logits, ancestor.logits, targets, { temperature: 2 }), // [B]
      },
    ],
  },
  fineTuning: {
    ...small.fineTuning,
    // What the head classifies by, [B, 1, width], of the descendant that a step trains and of the ancestor.
    features: { student: ['pooled'], ancestor: ['pooled'] },
    // Terms of one value per image, added up; by name in metrics.jsonl: `labels`, `warm` and `neighbours`.
    loss: (student, { targets, ancestor }) => ({
      labels: mul(crossEntropy(student.logits, targets), 0.3),
      warm: mul(softTarget(student.logits, ancestor!.logits, { temperature: 2 }), 0.7),
      neighbours: pkt(student.features.pooled!, ancestor!.features.pooled!),
    }),
  },
})
