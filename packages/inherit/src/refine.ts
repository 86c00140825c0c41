import type { ImageSource } from '@learngene/interfaces/tensors'
import { copyOf, matrixOf, product, transpose, block as viewOf } from '@learngene/stitch/linear-algebra'
import { runBlocks } from '@learngene/vit-blocks'
import { dispose, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { type BlockKinds, kindOf } from './block-kind.js'
import { type CalibrationOptions, overImages, turn } from './calibration.js'
import type { Cut } from './cut.js'
import type { Rotated } from './principal-order.js'
import { reconstruction } from './regression.js'
import { normalisedTokens, standardKinds } from './rotate.js'
import { assignValues, float64Of } from './values.js'

export interface RefineOptions extends CalibrationOptions {
  readonly kinds?: BlockKinds
}

/** Ridge of the reconstruction that the head reads, which has the few tokens to go by that the head classifies by. */
const headRidge = 1e-2

/**
 * Fits a cut network to its ancestor, block by block and without gradients: ancestor and cut run on the calibration images side by side; every layer norm's readers get
 * the least-squares reconstruction of what the ancestor's norm gives from what the cut's gives, every head the best factors for the cut's own stream, and what is
 * written is solved anew, so that each block leads the cut's stream back to the ancestor's, whatever the blocks before it lost (after AAFM, AAAI 2023, whose features are
 * low-rank where weights are not; here for the whole network at any width and depth). Assigns the cut's weights in place. Keeps the streams of all calibration
 * images: 8 N (D + D_s) bytes each.
 *
 * @throws when the cut is not one of this ancestor
 */
export async function refine(
  { network: ancestor }: Rotated,
  { network, standsFor }: Cut,
  source: ImageSource,
  options: RefineOptions = {},
): Promise<void> {
  checkCut(ancestor.blocks.length, standsFor, network.blocks.length)
  const kinds = { ...standardKinds, ...options.kinds }
  let ancestral: Tensor3D[] = []
  let streams: Tensor3D[] = []
  const { report, ...images } = options
  try {
    await overImages(source, images, (batch) => {
      ancestral.push(ancestor.embedding.forward(batch))
      streams.push(network.embedding.forward(batch))
    })
    let passed = 0
    const passTo = (block: number) => {
      ancestral = advance(ancestral, (x) => runBlocks(ancestor.blocks.slice(passed, block), x))
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
      const targets = ancestral.map((x) => tidy(() => block.forward(x, {})))
      try {
        await kindOf(block, index, kinds).refine?.(block, tierBlock, { ancestor: ancestral, tier: streams, targets })
      } finally {
        dispose(ancestral)
        ancestral = targets
      }
      passed = index + 1
      streams = advance(streams, (x) => runBlocks([tierBlock], x))
      report?.({ kind: 'progress', done: k + 1, total: network.blocks.length })
    }
    passTo(ancestor.blocks.length)
    await refineHead(ancestor, network, ancestral, streams)
  } finally {
    dispose([ancestral, streams])
  }
}

function checkCut(blocks: number, standsFor: readonly number[], depth: number): void {
  if (standsFor.length !== depth || standsFor.some((index) => index >= blocks)) {
    throw new Error(
      `refine: the cut must be one of this ancestor of ${blocks} blocks; its ${depth} blocks stand for [${standsFor.join(', ')}]`,
    )
  }
}

/** The streams one step on; frees those before. */
function advance(streams: readonly Tensor3D[], step: (x: Tensor3D) => Tensor3D): Tensor3D[] {
  const next = streams.map((x) => tidy(() => step(x).clone()))
  for (const stream of streams) stream.dispose()
  return next
}

async function refineHead(
  ancestor: Cut['network'],
  network: Cut['network'],
  ancestral: readonly Tensor3D[],
  streams: readonly Tensor3D[],
): Promise<void> {
  const to = ancestral.map((x) => tidy(() => normalisedTokens(ancestor, x)))
  const from = streams.map((x) => tidy(() => normalisedTokens(network, x)))
  const read = await reconstruction(from, to, headRidge)
  dispose([from, to])
  const values = await float64Of(ancestor.head)
  const width = network.embedding.width
  for (const name of Object.keys(network.head.parameters)) {
    if (!/^head.*\.weight$/.test(name)) continue
    const biasName = name.replace(/weight$/, 'bias')
    const bias = values[biasName]!
    const full = product(matrixOf(values[name]!, bias.length, ancestor.embedding.width), transpose(read)) // [C, D_s + 1]
    assignValues(network.head.parameters, {
      [name]: { shape: [bias.length, width], data: copyOf(viewOf(full, 0, 0, bias.length, width)).data },
      [biasName]: { shape: [bias.length], data: bias.map((value, i) => value + full.data[i * (width + 1) + width]!) },
    })
  }
}
