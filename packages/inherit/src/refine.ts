import type { ImageSource } from '@learngene/interfaces/tensors'
import { matrixOf, product, transpose, block as viewOf } from '@learngene/stitch/linear-algebra'
import { requireArguments, requireKeys, runBlocks } from '@learngene/vit-blocks'
import { dispose, max, range, reshape, type Tensor3D, tidy, tile } from '@tensorflow/tfjs-core'
import { type BlockKinds, kindOf } from './block-kind.js'
import { type CalibrationOptions, overImages, turn } from './calibration.js'
import type { Cut } from './cut.js'
import { normalisedTokens, readsOf } from './norms.js'
import type { Rotated } from './principal-order.js'
import { reconstruction } from './regression.js'
import { ROTATE_OPTIONS, standardKinds } from './rotate.js'
import { assignValues, float64Of, freeing } from './values.js'

/** Other options of `rotate` may be among those given; they mean nothing here. */
export interface RefineOptions extends CalibrationOptions {
  readonly kinds?: BlockKinds
}

/**
 * Fits a cut network to its ancestor, block by block and without gradients: ancestor and cut run on the calibration images side by side; every layer norm's readers get
 * the least-squares reconstruction of what the ancestor's norm gives from what the cut's gives, every head the best factors for the cut's own stream, and what is
 * written is solved anew, so that each block leads the cut's stream back to the ancestor's, whatever the blocks before it lost (after AAFM, AAAI 2023, whose features are
 * low-rank where weights are not; here for the whole network at any width and depth). Each of these is pulled toward the slice, as much as serves a quarter of the images, held out,
 * best; tokens that the head reads count as much together as all others. Assigns the cut's weights in place. Keeps the streams of all calibration
 * images: 8 N (D + D_s) bytes each.
 *
 * @throws when the cut is not one of this ancestor, or images and weights give NaN or Infinity; the cut's weights are then as far fitted as it came
 */
export async function refine(rotated: Rotated, cut: Cut, source: ImageSource, options: RefineOptions = {}): Promise<void> {
  requireArguments('refine', { rotated: ['rotated', rotated], cut: ['cut', cut], source: ['source', source] })
  requireKeys('refine', options, ROTATE_OPTIONS)
  const { network: ancestor } = rotated
  const { network, standsFor } = cut
  if (cut.ancestor !== ancestor) throw new Error('refine: the cut must be one of this ancestor; it was cut out of another network')
  if (standsFor.length !== network.blocks.length || !standsFor.every((index) => ancestor.blocks[index])) {
    throw new Error(
      `refine: the cut must be one of this ancestor of ${ancestor.blocks.length} blocks; its ${network.blocks.length} blocks stand for [${standsFor.join(', ')}]`,
    )
  }
  const kinds = { ...standardKinds, ...options.kinds }
  const ancestral: Tensor3D[] = []
  const streams: Tensor3D[] = []
  const { report, ...images } = options
  try {
    await overImages(source, images, (batch) => {
      ancestral.push(ancestor.embedding.forward(batch))
      streams.push(network.embedding.forward(batch))
    })
    const weights = await tokenWeights(ancestor, ancestral[0]!)
    let passed = 0
    const passTo = (block: number) => {
      advance(ancestral, (x) => runBlocks(ancestor.blocks.slice(passed, block), x))
      passed = block
    }
    report?.({
      kind: 'stage',
      name: `fit ${network.blocks.length} blocks of width ${network.embedding.width}`,
      total: network.blocks.length,
    })
    for (const [k, index] of standsFor.entries()) {
      await turn(options.signal)
      passTo(index)
      const block = ancestor.blocks[index]!
      const tierBlock = network.blocks[k]!
      await freeing(async (keep) => {
        const targets = ancestral.map((x) => keep(tidy(() => block.forward(x, {}))))
        await kindOf(block, index, kinds).refine?.(block, tierBlock, { ancestor: ancestral, tier: streams, targets, weights })
        for (const [batch, target] of targets.entries()) replace(ancestral, batch, target.clone())
      })
      passed = index + 1
      advance(streams, (x) => runBlocks([tierBlock], x))
      report?.({ kind: 'progress', done: k + 1, total: network.blocks.length })
    }
    passTo(ancestor.blocks.length)
    await refineHead(ancestor, network, ancestral, streams)
  } finally {
    dispose([ancestral, streams])
  }
}

/** What each token counts: those that the head reads as much together as all others, and none less than they. */
async function tokenWeights({ head }: Cut['network'], { shape: [, tokens, width] }: Tensor3D): Promise<number[]> {
  const read = tidy(() => {
    const places = tile(reshape(range(0, tokens), [1, tokens, 1]), [1, 1, width]) as Tensor3D
    return max(readsOf(head).tokens(places), 2)
  })
  const places = new Set(await read.data())
  read.dispose()
  const weight = Math.max(1, (tokens - places.size) / places.size)
  return Array.from({ length: tokens }, (_, token) => (places.has(token) ? weight : 1))
}

/** Takes the streams one step on, batch by batch, and frees those before. */
function advance(streams: Tensor3D[], step: (x: Tensor3D) => Tensor3D): void {
  for (const [batch, x] of streams.entries()) {
    replace(
      streams,
      batch,
      tidy(() => step(x).clone()),
    )
  }
}

function replace(streams: Tensor3D[], batch: number, next: Tensor3D): void {
  streams[batch]!.dispose()
  streams[batch] = next
}

async function refineHead(
  ancestor: Cut['network'],
  network: Cut['network'],
  ancestral: readonly Tensor3D[],
  streams: readonly Tensor3D[],
): Promise<void> {
  const read = await freeing((keep) => {
    const to = ancestral.map((x) => keep(tidy(() => normalisedTokens(ancestor.head, x))))
    const from = streams.map((x) => keep(tidy(() => normalisedTokens(network.head, x))))
    return reconstruction(from, to)
  })
  const values = await float64Of(ancestor.head)
  const full = ancestor.embedding.width
  const width = network.embedding.width
  for (const map of readsOf(ancestor.head).maps) {
    const bias = values[`${map}.bias`]!.slice()
    const weight = matrixOf(values[`${map}.weight`]!, bias.length, values[`${map}.weight`]!.length / bias.length)
    const parts = weight.columns / full
    const cut = new Float64Array(bias.length * parts * width)
    for (let part = 0; part < parts; part++) {
      const through = product(viewOf(weight, 0, part * full, bias.length, full), transpose(read)) // [C, D_s + 1]
      for (let row = 0; row < bias.length; row++) {
        cut.set(through.data.subarray(row * (width + 1), row * (width + 1) + width), (row * parts + part) * width)
        bias[row]! += through.data[row * (width + 1) + width]!
      }
    }
    assignValues(network.head.parameters, {
      [`${map}.weight`]: { shape: [bias.length, parts * width], data: cut },
      [`${map}.bias`]: { shape: [bias.length], data: bias },
    })
  }
}
