import type { JsonObject, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import {
  collectGrams,
  initialiseStitches,
  leastSquares,
  requireArguments,
  type SpaceSpec,
  type StitchedFamily,
  type StitchReport,
  type Tier,
} from '@learngene/stitch'
import { disposeNetwork, type Network, type PartRegistry, type PartSpec } from '@learngene/vit-blocks'
import { type AuxiliarySpec, createAuxiliary } from '../auxiliary.js'
import { type FineTuneOptions, fineTune } from '../fine-tune.js'
import { uniformPaths } from '../path-policy.js'
import { buildPool, type Pool } from '../pool.js'
import type { Teacher } from '../teacher.js'
import { type NetworkTraining, trainNew } from './train-network.js'

/** Anchors as tiers without transformation matrices, ascending by width. */
export interface TrainedAnchors {
  readonly tiers: readonly Tier[]
  /** Of each anchor, the loss of each step. */
  readonly losses: readonly Float32Array[]
}

export interface AnchorOptions extends NetworkTraining {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
}

/**
 * The anchors of SN-Net (Pan et al., CVPR 2023, arXiv 2302.06586): models of any number, widths and depths, each trained on its own.
 * They see the ancestor's images and classes and nothing else of it, unless it is their teacher.
 */
export async function trainAnchors(
  ancestor: Network,
  specs: readonly AuxiliarySpec[],
  source: ImageSource,
  options: AnchorOptions,
  rng: Rng,
): Promise<TrainedAnchors> {
  requireArguments('trainAnchors', {
    ancestor: ['network', ancestor],
    specs: ['object[]', specs],
    source: ['source', source],
    rng: ['rng', rng],
  })
  requireArguments('trainAnchors', { options: ['object', options] })
  const tiers: Tier[] = []
  const losses: Float32Array[] = []
  try {
    for (const spec of specs) {
      const anchor = createAuxiliary(ancestor, spec, rng, options.parts)
      losses.push((await trainNew(anchor.network, source, options, rng.fork(`anchor ${anchor.name}`))).losses)
      tiers.push(anchor)
    }
    return { tiers, losses }
  } catch (error) {
    for (const { network } of tiers) disposeNetwork(network)
    throw error
  }
}

export interface SnNetOptions {
  /** Default the sliding window of kernel 2 and stride 1 over nearest tiers; `{ kind: 'twoWay' }` for SN-Netv2. */
  readonly space?: SpaceSpec
  /** Default plain stitches, `{ kind: 'loraStitch', config: { rank } }` for SN-Netv2. */
  readonly stitch?: PartSpec
  /** Training images whose features the stitches are fitted to; default 100. */
  readonly featureImages?: number
  /** What a stitch that several block pairs share is fitted to: all their features at once (default), or the mean of their solutions as published. */
  readonly shared?: 'joint' | 'mean'
  /** Other images, on whose features the residuals are measured. */
  readonly heldOut?: ImageSource
  readonly details?: JsonObject
}

/**
 * Stitches anchors to an SN-Net: paths and shared stitches of the sliding window, least-squares initialisation. Takes over the anchors' weights.
 *
 * @returns a family that is stored, searched and extracted from as a pool is, and the residual of each stitch
 * @throws what `buildPool` throws
 */
export async function buildSnNet(
  anchors: readonly Tier[],
  source: ImageSource,
  options: SnNetOptions,
  rng: Rng,
): Promise<{ readonly family: Pool; readonly stitches: readonly StitchReport[] }> {
  requireArguments('buildSnNet', {
    anchors: ['tier[]', anchors],
    source: ['source', source],
    options: ['object', options],
    rng: ['rng', rng],
  })
  const { space, stitch, details, featureImages = 100, heldOut, shared } = options
  const family = buildPool(anchors, { space, stitch, details }, rng)
  const drawn = rng.fork('feature images').permutation(source.length).slice(0, featureImages)
  const grams = await collectGrams(family, source, drawn)
  const others =
    heldOut &&
    (await collectGrams(
      family,
      heldOut,
      Uint32Array.from({ length: heldOut.length }, (_, i) => i),
    ))
  return { family, stitches: initialiseStitches(family, leastSquares({ shared }), { grams, heldOut: others, rng }) }
}

/** The joint training of SN-Net needs the teacher whose decisions it follows. */
export type SnNetTraining = FineTuneOptions & { readonly teacher: Teacher }

/**
 * The joint training of SN-Net: each step draws a path uniformly and trains its anchors' blocks and its stitch with
 * 0.5 CE of the labels + 0.5 CE of the teacher's decision. Every option may be set otherwise.
 *
 * @returns the loss of each step
 */
export async function trainSnNet(family: StitchedFamily, source: ImageSource, options: SnNetTraining, rng: Rng): Promise<Float32Array> {
  requireArguments('trainSnNet', { family: ['family', family], rng: ['rng', rng] })
  return fineTune(family, source, { policy: uniformPaths(family.space), targets: 'hard', labelWeight: 0.5, ...options }, rng)
}
