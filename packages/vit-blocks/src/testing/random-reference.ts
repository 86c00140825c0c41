import { type AdamWConstants, adamW, adamWRow, classTargets, crossEntropy } from '@learngene/ops'
import {
  dispose,
  mean,
  mul,
  reshape,
  type Tensor,
  type Tensor4D,
  tensor,
  tensor2d,
  tensor4d,
  tidy,
  transpose,
  variableGrads,
} from '@tensorflow/tfjs-core'
import { disposeNetwork, forward, parametersOf } from '../network.js'
import { constant, disposeParameters } from '../parameters.js'
import { encodeSafetensors, type NamedFloatTensor } from '../safetensors/index.js'
import { createViT, type SquareViTConfig } from '../vit.js'
import { createRng } from './rng.js'

export interface Damage {
  readonly constants?: Partial<AdamWConstants>
  readonly weightDecay?: number
  /** Takes no bias correction. */
  readonly uncorrected?: boolean
  /** Adds the decay to the gradient, as Adam with L2 regularisation does. */
  readonly coupledDecay?: boolean
  /** Relative to its norm, of the gradients that the optimizer takes. */
  readonly gradientError?: number
}

/**
 * A reference file of a random ViT, as the current backend computes it: what a correct one says of the same model must pass.
 *
 * @param damage what the optimizer of the reference does wrong
 */
export async function randomReference(config: SquareViTConfig, seed: number, damage: Damage = {}): Promise<Uint8Array> {
  const rng = createRng(seed)
  const { imageSize, patchSize, channels, width, depth, heads, classes, mlpRatio = 4 } = config
  const network = createViT(config, rng.fork('weights'))
  const trained = parametersOf(network)
  const batch = 2
  const pixels = Float32Array.from({ length: batch * channels * imageSize ** 2 }, rng.normal)
  const labels = Array.from({ length: batch }, () => rng.integer(classes))
  const images = tidy(() => transpose(tensor4d(pixels, [batch, channels, imageSize, imageSize]), [0, 2, 3, 1])) as Tensor4D
  const tensors: NamedFloatTensor[] = [
    { name: 'in/images', shape: [batch, channels, imageSize, imageSize], data: pixels },
    { name: 'in/labels', shape: [batch], data: Float32Array.from(labels) },
  ]
  const store = (prefix: string, named: { readonly [name: string]: Tensor }) => {
    for (const [name, value] of Object.entries(named)) {
      tensors.push({ name: prefix + name, shape: value.shape, data: value.dataSync<'float32'>().slice() })
    }
  }
  const loss = () => tidy(() => mean(crossEntropy(forward(network, images).logits, classTargets(labels, classes))))
  const gradients = () => {
    const { value, grads } = variableGrads(loss as never, Object.values(trained))
    value.dispose()
    return Object.fromEntries(Object.entries(trained).map(([name, { name: key }]) => [name, grads[key]!]))
  }
  for (const parameter of Object.values(trained)) {
    if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 3)))
  }
  store('param/', trained)
  tidy(() => {
    const blocks = network.blocks.flatMap((_, i) => [`attn.${i}`, `block.${i}`])
    const { logits, features } = forward(network, images, { features: ['patch_embed', ...blocks, 'norm'] })
    const renamed = Object.entries(features).map(([name, value]) => [
      name.replace(/^attn\.(\d+)$/, 'blocks.$1.attn').replace(/^block\./, 'blocks.'),
      value,
    ])
    store('out/', { ...Object.fromEntries(renamed), logits, loss: reshape(loss(), [1]) })
  })
  const first = gradients()
  store('grad/', first)
  dispose(first)
  const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...damage.constants }
  const zeros = () => Object.fromEntries(Object.entries(trained).map(([name, { shape }]) => [name, constant(0, shape)]))
  const [m, v] = [zeros(), zeros()]
  for (let step = 1; step <= 3; step++) {
    const taken = gradients()
    tidy(() => {
      const slots = Object.entries(trained).map(([name, parameter]) => {
        const noise = damage.gradientError ? (damage.gradientError * norm(taken[name]!)) / Math.sqrt(parameter.size) : 0
        const values = taken[name]!.dataSync<'float32'>().map((value) => value + noise * rng.normal())
        const shift = damage.coupledDecay ? parameter.dataSync<'float32'>().map((value) => 0.05 * value) : undefined
        const gradient = tensor(shift ? values.map((value, i) => value + shift[i]!) : values, parameter.shape)
        return { parameter, gradient, m: m[name]!, v: v[name]!, row: 0 }
      })
      const weightDecay = damage.coupledDecay ? 0 : (damage.weightDecay ?? 0.05)
      const row = adamWRow({ learningRate: 1e-3, weightDecay, step }, constants)
      adamW(slots, tensor2d([damage.uncorrected ? [row[0], row[1], 1, 1] : row, [1, 0, 0, 0]]), constants)
    })
    dispose(taken)
  }
  store('adamw3/', trained)
  for (const parameters of [m, v]) disposeParameters(parameters)
  images.dispose()
  disposeNetwork(network)
  const timm = {
    img_size: imageSize,
    patch_size: patchSize,
    in_chans: channels,
    embed_dim: width,
    depth,
    num_heads: heads,
    num_classes: classes,
    mlp_ratio: mlpRatio,
  }
  return encodeSafetensors(tensors, { metadata: { config: JSON.stringify(timm) } })
}

function norm(gradient: Tensor): number {
  return Math.sqrt(gradient.dataSync<'float32'>().reduce((sum, value) => sum + value * value, 0))
}
