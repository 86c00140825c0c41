import type { TensorInfo } from '@tensorflow/tfjs-core'
import { isLossScaled } from '../../precision.js'
import type { WebGPUBackend } from '../backend.js'
import { LARGEST_FLOAT16 } from './halves.js'
import { type Extras, multiply, multiplyAndSum, type Range } from './multiply.js'

/**
 * Of the gradients that mixed precision multiplies: those of a mean over a batch of images of some hundred tokens are about 1e-6, near float16's smallest 6e-8; with
 * 2^14 they are about 1e-2, and values up to 4 stay below its largest, 65,504.
 */
const LIFTED: Range = { scale: 2 ** 14, beyond: LARGEST_FLOAT16 }

/** Of those of a scaled loss, which its scale lifts already. */
const SCALED: Range = { scale: 1, beyond: Number.POSITIVE_INFINITY }

/** y [M,N] = x W^T + b, and what else is asked for; x [M,K], weight [N,K]. */
export function affine(
  backend: WebGPUBackend,
  { x, weight, bias, residual }: { readonly [name in 'x' | 'weight' | 'bias' | 'residual']?: TensorInfo | undefined },
  y: TensorInfo,
  extras: Pick<Extras, 'kept' | 'gelu'> = {},
): void {
  multiply(backend, { matrix: x!, depth: 'columns' }, { matrix: weight!, depth: 'columns' }, y, { bias, residual, ...extras })
}

/** What an affine map's gradients are computed from. Where x is GELU of `preActivation`, dx is the gradient of those instead. */
export interface AffineInputs {
  readonly x: TensorInfo
  readonly weight: TensorInfo
  readonly dy: TensorInfo
  readonly preActivation?: TensorInfo | undefined
}

/** Tensors that get the gradients. */
export interface AffineGradients {
  readonly dWeight: TensorInfo
  readonly dBias: TensorInfo
  readonly dx?: TensorInfo | undefined
}

/**
 * The gradients of {@link affine}. What mixed precision stores of dx as float16 is lifted, and is to be given as dy.
 *
 * @param frozen elements of the bias, from the first to before the second, whose gradient is zero
 */
export function affineGradient(
  backend: WebGPUBackend,
  { x, weight, dy, preActivation }: AffineInputs,
  { dWeight, dBias, dx }: AffineGradients,
  [begin, end]: readonly [number, number] = [0, 0],
): void {
  const range = isLossScaled() ? SCALED : LIFTED
  multiplyAndSum(backend, { matrix: dy, depth: 'rows' }, { matrix: x, depth: 'rows' }, dWeight, dBias, { frozen: { begin, end }, range })
  if (dx) multiply(backend, { matrix: dy, depth: 'columns' }, { matrix: weight, depth: 'rows' }, dx, { preActivation, range })
}
