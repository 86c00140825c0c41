import type { RandomTensor } from '@learngene/testing'
import { add, dispose, square, type Tensor, type Tensor1D, tensor1d } from '@tensorflow/tfjs-core'
import { layerNorm, layerNormWithSkip } from '../layer-norm.js'

/** What is done of x, gamma and beta, by name. */
export const normCases: { readonly [name: string]: (x?: Tensor, gamma?: Tensor, beta?: Tensor) => Tensor } = {
  layerNorm: (x, gamma, beta) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D),
  'layerNorm with a skip connection': (x, gamma, beta) => {
    const { skip, normalised } = layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
    return add(skip, square(normalised))
  },
}

/** x [rows, width], gamma and beta [width]: no row of x is nearly constant, which would blow rounding up. */
export function normInputs(random: RandomTensor, rows: number, width: number): Tensor[] {
  const spread = random([rows, width], 0.3)
  const signs = tensor1d(Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1 : -1)))
  const x = add(spread, signs)
  dispose([spread, signs])
  return [x, random([width]), random([width])]
}
