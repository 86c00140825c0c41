// A stitch kind of one's own: a linear map with a gain for each channel that comes out, how it starts as an initialiser's map, and what it becomes.
// npx learngene run --config examples/extend/stitch.config.ts --out runs/stitch
import type { BlockFactory } from '@learngene/interfaces/tensors'
import { constant, stitchFrom, truncatedNormal } from '@learngene/vit-blocks'
import { add, fill, matMul, mul, reshape, tensor, tidy } from '@tensorflow/tfjs-core'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const gained: BlockFactory = (config, rng) => {
  const { inputWidth: inputs, outputWidth: outputs } = config as { inputWidth: number; outputWidth: number }
  const [map, gain, shift] = [truncatedNormal(rng, [outputs, inputs]), constant(1, [outputs, 1]), constant(0, [outputs])]
  return {
    kind: 'gained',
    config,
    inputWidth: inputs,
    outputWidth: outputs,
    parameters: { map, gain, shift },
    macs: (tokens) => (tokens + 1) * inputs * outputs,
    liveFloats: (tokens) => tokens * (inputs + outputs) + inputs * outputs,
    forward: (x) => {
      const mapped = matMul(reshape(x, [-1, inputs]), mul(map, gain), false, true) // [B N, D_t]
      return reshape(add(mapped, shift), [x.shape[0], x.shape[1], outputs])
    },
    assign: ({ weight, bias }) =>
      tidy(() => {
        map.assign(tensor(weight, [outputs, inputs]))
        gain.assign(fill([outputs, 1], 1))
        shift.assign(tensor(bias, [outputs]))
      }),
    async merge() {
      const product = mul(map, gain)
      const [weight, bias] = await Promise.all([product.data<'float32'>(), shift.data<'float32'>()])
      product.dispose()
      return stitchFrom({ inputs, outputs, weight, bias })
    },
  }
}

export default defineConfig({ ...small, stitch: { kind: 'gained', config: {} }, registry: { blocks: { gained } } })
