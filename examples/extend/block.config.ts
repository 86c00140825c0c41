// A block of one's own in the ancestor and so in all that is cut out of it: each token, and the average of all, pass a perceptron; nothing attends.
// npx learngene run --config examples/extend/block.config.ts --out runs/block
import type { BlockFactory } from '@learngene/interfaces/tensors'
import { truncatedNormal } from '@learngene/vit-blocks'
import { add, matMul, mean, relu, reshape, type Tensor3D } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { mixerKind, normalised } from './mixer-kind.js'
import { small } from './small.js'

const mixer: BlockFactory = (config, rng) => {
  const { width, hidden } = config as { width: number; hidden: number }
  const up = truncatedNormal(rng, [hidden, width], 0.2)
  const down = truncatedNormal(rng, [width, hidden], 0.2)
  return {
    kind: 'mixer',
    config: { width, hidden },
    inputWidth: width,
    outputWidth: width,
    parameters: { up, down },
    macs: (tokens) => 2 * tokens * width * hidden,
    liveFloats: (tokens) => tokens * (2 * width + hidden),
    forward(x) {
      const read = normalised(x)
      const rows = reshape(add(read, mean(read, 1, true)), [-1, width]) // [B N, D]
      const change = matMul(relu(matMul(rows, up, false, true)), down, false, true)
      return add(x, reshape(change, x.shape)) as Tensor3D // [B, N, D]
    },
  }
}

export default defineConfig({
  ...small,
  // The factory gets the width of the model beside this configuration.
  model: { ...small.model, block: { kind: 'mixer', config: { hidden: 24 } } },
  registry: { blocks: { mixer }, kinds: { mixer: mixerKind } },
})
