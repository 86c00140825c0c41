import type { ImageSource } from '@learngene/interfaces/tensors'
import { forward, requireArguments } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import type { StitchedFamily, Tier } from './family.js'
import {
  accumulateCross,
  accumulateInputs,
  addGrams,
  type CrossGram,
  createCrossGram,
  createInputGram,
  type Gram,
  type InputGram,
  joinGrams,
} from './linear-algebra.js'
import type { StitchSlot } from './paths/index.js'

/** The normal equations of one stitch: features of the blocks it leaves against inputs of the blocks it lands at. */
export interface SlotGrams {
  /** Joint over all block pairs that share the stitch. */
  readonly joint: Gram
  /** One per block pair, in the slot's order. */
  readonly pairs: readonly Gram[]
}

/**
 * Streams the features of the named images through all tiers and gathers the normal equations of every stitch (method.md section 4, least squares).
 * The output of block j of the front is regressed on the input of block m of the back: the output of block m - 1, or the embedding where m = 0.
 * Memory does not depend on the number of images.
 *
 * @returns by slot id
 * @throws when there are no images, or the batch size is no positive integer
 */
export async function collectGrams(
  family: StitchedFamily,
  source: ImageSource,
  indices: ArrayLike<number>,
  batchSize = 16,
): Promise<Map<string, SlotGrams>> {
  requireArguments('collectGrams', { family: ['family', family], source: ['source', source], indices: ['object', indices] })
  if (indices.length === 0) throw new Error('collectGrams: there must be at least one image; got none')
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new Error(`collectGrams: batchSize must be a positive integer; got ${batchSize}`)
  const slots = [...family.space.stitchIds()]
  const widths = new Map(family.tiers.map(({ name, network }) => [name, network.embedding.width]))
  const inputs = new Map<string, InputGram>()
  const crosses = new Map<string, CrossGram>()
  for (let start = 0; start < indices.length; start += batchSize) {
    const batch = Array.prototype.slice.call(indices, start, start + batchSize) as number[]
    const features = await featuresOf(family.tiers, slots, source, batch)
    for (const { fromTier, toTier, pairs } of slots) {
      for (const { j, m } of pairs) {
        const front = leaving(fromTier, j)
        const back = landing(toTier, m)
        const cross = getOrCreate(crosses, `${front} ${back}`, () => createCrossGram(widths.get(fromTier)!, widths.get(toTier)!))
        accumulateCross(cross, features.get(front)!, features.get(back)!)
      }
    }
    for (const front of new Set(slots.flatMap(({ fromTier, pairs }) => pairs.map(({ j }) => leaving(fromTier, j))))) {
      const width = widths.get(front.slice(0, front.indexOf('/')))!
      accumulateInputs(
        getOrCreate(inputs, front, () => createInputGram(width)),
        features.get(front)!,
      )
    }
  }
  return new Map(
    slots.map(({ id, fromTier, toTier, pairs }) => {
      const grams = pairs.map(({ j, m }) => {
        const front = leaving(fromTier, j)
        return joinGrams(inputs.get(front)!, crosses.get(`${front} ${landing(toTier, m)}`)!)
      })
      return [id, { joint: addGrams(grams), pairs: grams }]
    }),
  )
}

/** Features by `TIER/NAME`, rows of all images and tokens. */
async function featuresOf(
  tiers: readonly Tier[],
  slots: readonly StitchSlot[],
  source: ImageSource,
  batch: readonly number[],
): Promise<Map<string, Float32Array>> {
  const wanted = new Set(
    slots.flatMap(({ fromTier, toTier, pairs }) => pairs.flatMap(({ j, m }) => [leaving(fromTier, j), landing(toTier, m)])),
  )
  const { images, targets } = await source.batch(batch)
  const values = new Map<string, Float32Array>()
  for (const { name, network } of tiers) {
    const prefix = `${name}/`
    const names = [...wanted].filter((feature) => feature.startsWith(prefix)).map((feature) => feature.slice(prefix.length))
    const { logits, features } = forward(network, images, { features: names })
    for (const feature of names) values.set(prefix + feature, await features[feature]!.data<'float32'>())
    dispose([logits, { ...features }])
  }
  dispose([images, targets])
  return values
}

const leaving = (tier: string, j: number) => `${tier}/block.${j}`
const landing = (tier: string, m: number) => (m === 0 ? `${tier}/embedding` : `${tier}/block.${m - 1}`)

function getOrCreate<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
