// A head of one's own: each patch answers, and the highest answer for each class counts.
// npx learngene run --config examples/extend/head.config.ts --out runs/head
import { linear } from '@learngene/ops'
import { createHead, type HeadFactory } from '@learngene/vit-blocks'
import { max, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const highest: HeadFactory = (config, { width, classes, epsilon, prefixTokens }, rng) => {
  // Layer norm, weights and features of the standard head; another way from them to the logits.
  const standard = createHead(width, classes, rng, epsilon, { pooling: 'average', prefixTokens })
  const { 'head.weight': weight, 'head.bias': bias } = standard.parameters
  return {
    ...standard,
    kind: 'highest',
    config,
    // It reads all tokens, through the layer norm `norm`, by the linear map `head`: what inheriting rotates, cuts and fits.
    reads: { norm: 'norm', maps: ['head'], tokens: (x) => x.clone() },
    macs: (tokens) => standard.normaliseMacs(tokens) + tokens * classes * width,
    forward: (x) =>
      tidy(() => {
        const answers = linear(standard.normalise(x), weight as unknown as Tensor2D, bias as unknown as Tensor1D) // [B, N, C]
        return max(answers, 1) as Tensor2D // [B, C]
      }),
  }
}

export default defineConfig({
  ...small,
  model: { ...small.model, head: { kind: 'highest', config: {} } },
  registry: { heads: { highest } },
})
