import { engine, getBackend, getKernel, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core'
import { getPrecision, isLossScaled } from './precision.js'
import { INSTALLER } from './provide-kernels.js'

/** `auto`: our kernels for the backend where they are loaded; `reference`: always the plain TensorFlow.js formulation. */
export type OpsMode = 'auto' | 'reference'

let mode: OpsMode = 'auto'

/** Backends that there are kernels for, and what of them operations have found missing. */
const withKernels: readonly string[] = ['wasm', 'webgpu', 'tensorflow']
const told = new Set<string>()

/**
 * Chooses between fast kernels and the reference formulation for every operation that starts from now on. `reference` also says that it is meant: there is no
 * warning where a backend's kernels are not loaded.
 */
export function setOps(next: OpsMode): void {
  if (next !== 'auto' && next !== 'reference') {
    throw new Error(`setOps takes 'auto' or 'reference', got '${String(next)}'`)
  }
  mode = next
}

export function getOps(): OpsMode {
  return mode
}

/** All settings that decide which commands an operation gives; a recording of them holds for equal settings only. */
export function opsSettings(): string {
  return `${mode} ${getPrecision()}${isLossScaled() ? ' of a scaled loss' : ''}`
}

export type Kernel = (inputs: NamedTensorMap, attributes?: NamedAttrMap) => Tensor[]

/**
 * A kernel of ours on the current backend, or undefined where the reference form must do; a warning says once where kernels exist and nobody has imported them.
 * An operation asks once, in its forward pass, and uses the same answer for its gradient.
 */
export function findKernel(name: KernelName): Kernel | undefined {
  if (mode === 'reference') return undefined
  const backend = getBackend()
  const installer = getKernel(INSTALLER, backend)
  if (installer) installer.kernelFunc({ inputs: {}, backend: engine().backend })
  else warnOfReference(backend)
  if (getKernel(name, backend) === undefined) return undefined
  return (inputs, attributes = {}) => {
    const outputs = engine().runKernel(name, inputs, attributes) as Tensor | Tensor[]
    return Array.isArray(outputs) ? outputs : [outputs]
  }
}

function warnOfReference(backend: string): void {
  if (!withKernels.includes(backend) || told.has(backend)) return
  told.add(backend)
  console.warn(
    `@learngene/ops: the kernels for ${backend} are not loaded, so operations run in their slower reference form; import '@learngene/ops/${backend}' ` +
      `(useBackend of @learngene/backends does), or call setOps('reference') if this is meant`,
  )
}

/**
 * The kernels that a backend may register in TensorFlow.js's registry, with their inputs and outputs.
 * M rows, K input width, N output width, B images, T tokens, D width.
 *
 * - `LearngeneLinear` {x [M,K], weight [N,K], bias? [N], residual? [M,N]}, attributes activation ('gelu' or none), keepPreActivation, hidden
 *   -> y = activation(x W^T + b) + residual [M,N], the values before the activation [M,N] if keepPreActivation; both in a form of the backend's own if `hidden`, as inputs of these two kernels alone
 * - `LearngeneLinearGrad` {x [M,K], weight [N,K], dy [M,N] of the values before the activation, preActivation? [M,K] where x is GELU of it}, attributes
 *   inputGradient, frozenBias ([begin, end] or none) -> dWeight [N,K], dBias [N], zero from begin to before end, and if inputGradient dx [M,K],
 *   the gradient of preActivation where that is given, and in its form
 * - `LearngeneBatchProduct` {a [G,m,k], b [G,k,n]} or their transposes, attributes transposeA, transposeB -> [G,m,n]
 * - `LearngeneGelu` {x} -> y; `LearngeneGeluGrad` {x, dy} -> dx
 * - `LearngeneLayerNorm` {x [M,D], gamma [D], beta [D]}, attribute epsilon -> y [M,D], statistics, inverse?
 * - `LearngeneLayerNormGrad` {x, gamma, statistics, inverse?, dy, dSkip? [M,D]} -> dx [M,D], dSkip added where it is given, dGamma [D], dBeta [D]
 * - `LearngeneAttention` {qkv [B,T,3D]}, attribute heads -> y [B,T,D], saved
 * - `LearngeneAttentionGrad` {qkv, y [B,T,D], saved, dy [B,T,D]}, attribute heads -> dqkv [B,T,3D]
 * - `LearngeneAdamW` {scalars [2P,4] (see guardStep), parameter, gradient, m, v}, attributes row, beta1, beta2, epsilon -> parameter, m, v (new tensors of the parameter's shape)
 * - `LearngeneAdamWSlots` {scalars [2P,4], parameter0, gradient0, m0, v0, parameter1, ...}, attributes rows, beta1, beta2, epsilon -> parameter0, m0, v0, ...
 *   (the given ones, written in place, or new ones)
 * - `LearngeneAverageSlots` {scalars [2P,C], parameter0, average0, ...}, attributes rows, decay -> average0, ...
 * - `LearngeneAccumulateSlots` {total0, value0, ...}, attribute slots -> total0, ...; `LearngeneClearSlots` {total0, ...} likewise
 * - `LearngeneSumOfSquares` {x0, x1, ...} -> [], of all their values
 * - `LearngeneStepGuard` {loss [] or [T], scalars [sets P,C], state [4], reached? [P], gradient0, ...}, attributes gradients (how many), sets, clipNorm and doubleAfter (0 for none), largestScale
 *   -> table [2P,C], numbers [3+T], state (the given one, written in place, or a new one)
 * - `LearngeneCrossEntropy` {logits [B,C], targets [B,C]}, attributes of CrossEntropyAttributes (cross-entropy.ts) -> loss [B], saved
 * - `LearngeneCrossEntropyGrad` {logits, targets, saved, dy [B]}, the same attributes -> dlogits [B,C]
 * - `LearngeneMeanSquaredError` {x [B,...], target} -> [B]; `LearngeneMeanSquaredErrorGrad` {x, target, dy [B]} -> dx
 * - `LearngeneMixedPrecision` {} -> nothing; throws the reason where the device cannot multiply in float16
 * - `LearngeneNormalisePixels` {packed int32 [n]}, attributes of PixelAttributes (pixels.ts) -> [B,h,w,c]
 *
 * `statistics`, `inverse` and `saved` are the backend's own affair.
 */
export type KernelName =
  | 'LearngeneLinear'
  | 'LearngeneLinearGrad'
  | 'LearngeneBatchProduct'
  | 'LearngeneGelu'
  | 'LearngeneGeluGrad'
  | 'LearngeneLayerNorm'
  | 'LearngeneLayerNormGrad'
  | 'LearngeneAttention'
  | 'LearngeneAttentionGrad'
  | 'LearngeneAdamW'
  | 'LearngeneAdamWSlots'
  | 'LearngeneAverageSlots'
  | 'LearngeneAccumulateSlots'
  | 'LearngeneClearSlots'
  | 'LearngeneSumOfSquares'
  | 'LearngeneStepGuard'
  | 'LearngeneCrossEntropy'
  | 'LearngeneCrossEntropyGrad'
  | 'LearngeneMeanSquaredError'
  | 'LearngeneMeanSquaredErrorGrad'
  | 'LearngeneMixedPrecision'
  | 'LearngeneNormalisePixels'
