import type { BlockKind } from '@learngene/inherit'
import { type Matrix64, matrixOf, product, transpose } from '@learngene/stitch/linear-algebra'
import { add, div, moments, mul, slice, sqrt, sub, type Tensor3D, tidy } from '@tensorflow/tfjs-core'

/** What the block reads of the stream [B, N, D]: whatever reads it removes its mean, as layer norms do. */
export function normalised(x: Tensor3D): Tensor3D {
  const { mean, variance } = moments(x, -1, true)
  return div(sub(x, mean), sqrt(add(variance, 1e-6)))
}

/** How the block is cut: of a stream in principal order, the leading columns of what reads it and the leading rows of what writes it. */
export const mixerKind: BlockKind = {
  norms: 1,
  observe: (block) => ({
    async forward(x, read) {
      const seen = tidy(() => normalised(x))
      await read(0, seen)
      seen.dispose()
      return tidy(() => block.forward(x, {}))
    },
    async rotate({ rotation, width }) {
      const { up, down } = block.parameters
      const valuesOf = async (of: typeof up) => Float64Array.from(await of!.data())
      const hidden = up!.shape[0]!
      const shaped = ({ rows, columns, data }: Matrix64) => ({ shape: [rows, columns], data })
      return {
        up: shaped(product(matrixOf(await valuesOf(up), hidden, width), transpose(rotation))),
        down: shaped(product(rotation, matrixOf(await valuesOf(down), width, hidden))),
      }
    },
  }),
  cut: ({ config, parameters: { up, down } }, { width, gains: [gain = 1] }) => ({
    config: { ...config, width },
    parameters: tidy(() => ({ up: mul(slice(up!, [0, 0], [-1, width]), gain), down: slice(down!, [0, 0], [width, -1]) })),
  }),
}
