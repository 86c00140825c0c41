import {
  buildPool,
  buildSnNet,
  decodePool,
  disposePool,
  distill,
  encodePool,
  fineTune,
  trainAnchors,
  trainSnNet,
} from '@learngene/learngene-pool'
import { collectGrams, initialisers, initialiseStitches } from '@learngene/stitch'
import { measureFamily, sizeOfFamily } from './measure.mjs'

/** The pool with the stitches of each initialiser: the same instances before fine-tuning, the same steps and paths in it. */
export async function comparePools(context) {
  const { ancestor, config, images, teacher, group, rng, stage } = context
  const tiers = []
  let steps = 0
  for (const spec of config.tiers) {
    await stage(`distil ${spec.width} wide, ${spec.depth} deep`, async (report) => {
      const options = { ...config.training, sides: ['student', 'teacher'], teacher, group, report }
      const { tier, losses } = await distill(ancestor, spec, images.training, options, rng.fork(`distil ${spec.width}x${spec.depth}`))
      tiers.push(tier)
      steps += losses.length
    })
  }
  const pool = buildPool(tiers, {}, rng.fork('pool'))
  const stored = await encodePool(pool)
  const grams = await collectGrams(pool, images.training, draw(rng, 'feature images', images.training.length, config.featureImages))
  const heldOut = await collectGrams(pool, images.validation, draw(rng, 'held-out images', images.validation.length, config.heldOutImages))
  disposePool(pool)

  const rows = []
  for (const name of config.initialisers) {
    const pool = await decodePool(async (file) => stored.get(file))
    const stitches = initialiseStitches(pool, initialisers[name], { grams, heldOut, rng: rng.fork('stitches') })
    rows.push(
      await fineTuned(`Pool, ${name}`, pool, stitches, steps, context, (options) =>
        fineTune(pool, images.training, options, rng.fork('fine-tune')),
      ),
    )
    disposePool(pool)
  }
  return rows
}

/** SN-Net: anchors trained independently by the labels, least-squares stitches, joint training. */
export async function compareSnNet({ name, anchors }, context) {
  const { ancestor, config, images, group, rng, stage } = context
  const { tiers, losses } = await stage(`${name}: train the anchors`, (report) =>
    trainAnchors(ancestor, anchors, images.training, { ...config.training, group, report }, rng.fork(name)),
  )
  const heldOut = part(images.validation, draw(rng, 'held-out images', images.validation.length, config.heldOutImages))
  const options = { featureImages: config.featureImages, heldOut }
  const { family, stitches } = await buildSnNet(tiers, images.training, options, rng.fork(`${name}: stitches`))
  const steps = losses.reduce((sum, { length }) => sum + length, 0)
  const row = await fineTuned(name, family, stitches, steps, context, (options) =>
    trainSnNet(family, images.training, options, rng.fork('fine-tune')),
  )
  disposePool(family)
  return row
}

/** Measures a family, fine-tunes it and measures it again. */
async function fineTuned(name, family, stitches, stepsBefore, context, tune) {
  const { config, teacher, group, stage } = context
  const before = await stage(`${name}: measure`, () => measureFamily(family, context))
  const losses = await stage(`${name}: fine-tune`, (report) => tune({ ...config.fineTuning, teacher, group, report }))
  const after = await stage(`${name}: measure`, () => measureFamily(family, context))
  const residual = stitches.reduce((sum, { residual }) => sum + residual, 0) / stitches.length
  return { name, ...sizeOfFamily(family), steps: stepsBefore + losses.length, residual, before, after }
}

const draw = (rng, label, length, count) => rng.fork(label).permutation(length).slice(0, count)

/** Some images of a source. */
const part = (source, chosen) => ({
  length: chosen.length,
  images: (indices) => source.images(Array.from(indices, (i) => chosen[i])),
  labels: (indices) => source.labels(Array.from(indices, (i) => chosen[i])),
})
