import type { Block, Features, Parameters } from '@learngene/interfaces/tensors'
import { type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import type { Embedding } from './embedding.js'
import type { Head } from './head.js'
import { disposeParameters, prefixed } from './parameters.js'

/**
 * A Vision Transformer put together from parts. The ancestor, an auxiliary and a stitched descendant are all networks;
 * a descendant shares its parts with the pool.
 */
export interface Network {
  readonly embedding: Embedding
  readonly blocks: readonly Block[]
  readonly head: Head
}

export interface ForwardOptions {
  /**
   * Names of the intermediates to return: `patch_embed` (patch tokens), `embedding` (block 0's input), `block.i` (output of block i),
   * `NAME.i` (what block i records as NAME, for example `attn.3`), `norm` (final layer norm), `pooled` (what the head classifies by, as a token [B, 1, D]).
   */
  readonly features?: readonly string[]
}

/** A type, not an interface, so that it counts as a container of tensors: `tidy(() => forward(network, images))`. */
export type ForwardResult = {
  /** [B, C]; [B, 0] where the network has no classifier. */
  readonly logits: Tensor2D
  readonly features: Features
}

/**
 * Runs a network.
 *
 * @param images normalised pixels [B, height, width, channels]
 * @throws when a feature is asked for that the network does not have
 */
export function forward(network: Network, images: Tensor4D, options: ForwardOptions = {}): ForwardResult {
  const wanted = new Set(options.features)
  return tidy(() => {
    const features: { [name: string]: Tensor3D } = {}
    const offer = (name: string, value: () => Tensor3D) => {
      const asked = wanted.delete(name)
      if (asked) features[name] = value()
      return asked
    }
    offer('patch_embed', () => network.embedding.patches(images))
    const embedded = network.embedding.forward(images) // [B, N, D]
    offer('embedding', () => embedded)
    const recorded = (i: number) => [...wanted].some((name) => name.endsWith(`.${i}`) && name !== `block.${i}`)
    const trunk = runBlocks(network.blocks, embedded, (name, value) => offer(name, () => value), recorded)
    offer('norm', () => network.head.normalise(trunk))
    offer('pooled', () => network.head.pool(trunk))
    const logits = network.head.forward(trunk) // [B, C]
    if (wanted.size > 0) {
      throw new Error(
        `forward: the network of ${network.blocks.length} blocks has no feature named ${[...wanted].join(', ')}; ` +
          `there are patch_embed, embedding, block.0 to block.${network.blocks.length - 1}, what its blocks record (such as attn.0), norm and pooled`,
      )
    }
    return { logits, features }
  })
}

/**
 * Runs a sequence of blocks and offers each block's intermediates under their full names: whatever block i records, then `block.i`, its output.
 * Without `offer` nothing but the last output stays.
 *
 * @param x [B, N, D of the first block]; not disposed
 * @param offer takes an intermediate; where it returns false, the value is freed as soon as it is no longer needed. Others live until the
 * enclosing tidy ends, and on where they are returned from it.
 * @param recorded which blocks are asked for what they record; default all if there is an `offer`. The others may fold operations together.
 * @returns [B, N, D of the last block]
 */
export function runBlocks(
  blocks: readonly Block[],
  x: Tensor3D,
  offer?: (name: string, value: Tensor3D) => unknown,
  recorded: (block: number) => boolean = () => offer !== undefined,
): Tensor3D {
  const kept = new Set([x])
  return blocks.reduce<Tensor3D>((input, block, i) => {
    const { output, taken } = tidy(() => {
      const taken: Tensor3D[] = []
      const record = (name: string, value: Tensor) => {
        if (offer && offer(`${name}.${i}`, value as Tensor3D) !== false) taken.push(value as Tensor3D)
      }
      return { output: block.forward(input, recorded(i) ? { record } : {}), taken }
    })
    if (offer && offer(`block.${i}`, output) !== false) taken.push(output)
    for (const value of taken) kept.add(value)
    if (input !== output && !kept.has(input)) input.dispose()
    return output
  }, x)
}

/** All trained tensors by timm's names: `cls_token`, `blocks.3.attn.qkv.weight`, `head.bias` and so on. */
export function parametersOf(network: Network): Parameters {
  return Object.assign(
    {},
    network.embedding.parameters,
    ...network.blocks.map((block, i) => prefixed(`blocks.${i}.`, block.parameters)),
    network.head.parameters,
  )
}

/** Frees a network's trained tensors. Not for a descendant that shares them with a pool. */
export function disposeNetwork(network: Network): void {
  disposeParameters(parametersOf(network))
}
