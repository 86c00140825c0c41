import {
  buildPool,
  buildSnNet,
  costBins,
  decodePool,
  disposePool,
  distill,
  encodePool,
  fineTune,
  inheritTiers,
  trainAnchors,
  trainSnNet,
} from '@learngene/learngene-pool'
import { collectGrams, costOfPath, initialisers, initialiseStitches } from '@learngene/stitch'
import { countParameters, disposeNetwork, parametersOf } from '@learngene/vit-blocks'
import { measureFamily, measureNetworks, sizeOfFamily } from './measure.mjs'

/** Of tiers that follow the ancestor already: terms of features cost more than they teach. */
const logitsOnly = { logit: 1, block: 0, attn: 0 }

/** The pool of tiers that are cut out of the ancestor, with the stitches of each initialiser: untrained; and distilled, stitched anew and tuned. */
export async function compareInherited(context) {
  const { ancestor, config, images, inheritance, group, rng, stage, specs, plan, teacher } = context
  const { inherited } = config
  const tiers = await stage('inherit the tiers', () => inheritTiers(ancestor, specs, images.training, { from: inheritance, group }))
  const pool = buildPool(tiers, { space: spaceOf(config) }, rng.fork('pool'))
  const untrained = new Map()
  const grams = await gramsOf(pool, context)
  for (const name of inherited.initialisers) {
    initialiseStitches(pool, initialisers[name], { grams, rng: rng.fork('stitches') })
    untrained.set(name, await stage(`inherited pool, ${name}: measure`, () => measureFamily(pool, context)))
  }
  let steps = 0
  const frozen = []
  for (const [i, spec] of specs.entries()) {
    const start = pool.tiers[i]
    if (inherited.steps[i] === 0) {
      frozen.push(start.name)
      continue
    }
    const training = { ...plan({ ...inherited, steps: inherited.steps[i], learningRate: inherited.learningRates[i] }), start }
    const options = { ...training, labelWeight: inherited.labelWeight, weights: logitsOnly, teacher, group }
    await stage(`distil ${start.name}`, async (report) => {
      steps += (await distill(ancestor, spec, images.training, { ...options, report }, rng.fork(`distil ${start.name}`))).losses.length
    })
  }
  return stitchedAndTuned(
    pool,
    'Inherited pool',
    inherited,
    { steps, before: (name) => untrained.get(name), tuned: (pool) => narrowFirst(pool, frozen) },
    context,
  )
}

/**
 * Leaves the frozen tiers as they are, and draws among the paths of the others by the logarithm of their MACs: all sizes alike, where equal bins of MACs would hold hardly any of the
 * narrow paths, which have most to learn.
 */
function narrowFirst(pool, frozen) {
  const paths = [...pool.space.enumerate()].filter(({ path }) => path.segments.some(({ tier }) => !frozen.includes(tier)))
  return { frozen, policy: costBins({ enumerate: () => paths }, (path) => Math.log(costOfPath(pool, path).macs)) }
}

/** The pool as its paper makes it: auxiliaries distilled from random weights, with transformation matrices of both sides. */
export async function compareRandom(context) {
  const { ancestor, config, images, group, rng, stage, specs, plan, teacher } = context
  const tiers = []
  let steps = 0
  for (const [i, spec] of specs.entries()) {
    await stage(`distil width ${spec.width} from random weights`, async (report) => {
      const training = { ...plan({ ...config.random, steps: config.random.steps[i] }), start: 'random', sides: ['student', 'teacher'] }
      const options = { ...training, teacher, group, report }
      const { tier, losses } = await distill(ancestor, spec, images.training, options, rng.fork(`random ${spec.width}`))
      tiers.push(tier)
      steps += losses.length
    })
  }
  const pool = buildPool(tiers, { space: spaceOf(config) }, rng.fork('random pool'))
  return stitchedAndTuned(pool, 'Pool from random weights', config.random, { steps }, context)
}

/** A pool with the stitches of each initialiser, tuned: the same tiers before, the same steps and paths. Frees the pool. */
async function stitchedAndTuned(pool, title, { initialisers: names, tuning, ...recipe }, { steps, before, tuned: howTuned }, context) {
  const { images, group, rng, stage, plan, teacher } = context
  const stored = await encodePool(pool)
  const grams = await gramsOf(pool, context)
  disposePool(pool)
  const rows = []
  for (const name of names) {
    const pool = await decodePool(async (file) => stored.get(file))
    initialiseStitches(pool, initialisers[name], { grams, rng: rng.fork('stitches') })
    const row = await tuned(pool, `${title}, ${name}`, before?.(name), context, () =>
      stage(`${title}, ${name}: tune`, (report) => {
        const { labelWeight } = recipe
        const options = {
          ...plan({ ...recipe, ...tuning }),
          ...(labelWeight !== undefined && { labelWeight }),
          teacher,
          group,
          report,
          ...howTuned?.(pool),
        }
        return fineTune(pool, images.training, options, rng.fork('fine-tune'))
      }),
    )
    rows.push({ ...row, steps: steps + row.steps })
    disposePool(pool)
  }
  return rows
}

/** SN-Net: anchors trained independently by the labels, least-squares stitches, joint training with the ancestor's decisions. */
export async function compareSnNet(context) {
  const { ancestor, config, images, group, rng, stage, specs, plan, teacher } = context
  const { snnet } = config
  const tiers = []
  let steps = 0
  for (const [i, spec] of specs.entries()) {
    await stage(`SN-Net: train the anchor of width ${spec.width}`, async (report) => {
      const options = { ...plan({ ...snnet, steps: snnet.steps[i] }), group, report }
      const { tiers: anchors, losses } = await trainAnchors(ancestor, [spec], images.training, options, rng.fork('SN-Net'))
      tiers.push(...anchors)
      steps += losses[0].length
    })
  }
  const { family } = await buildSnNet(
    tiers,
    images.training,
    { space: spaceOf(config), featureImages: config.featureImages },
    rng.fork('SN-Net: stitches'),
  )
  const row = await tuned(family, 'SN-Net', undefined, context, () =>
    stage('SN-Net: train together', (report) => {
      const options = { ...plan({ ...snnet, ...snnet.tuning }), teacher, group, report }
      return trainSnNet(family, images.training, options, rng.fork('fine-tune'))
    }),
  )
  disposePool(family)
  return [{ ...row, steps: steps + row.steps }]
}

/** Greedy block dropping alone: the ancestor's width, fewer blocks, as they are and fitted; nothing is trained. */
export async function compareDroppedBlocks(context) {
  const { ancestor, config, images, inheritance, group, stage } = context
  const specs = config.depths.map((depth) => ({ depth }))
  const measured = (fit) =>
    stage(`drop blocks${fit ? ' and fit' : ''}: measure`, async () => {
      const tiers = await inheritTiers(ancestor, specs, images.training, { from: inheritance, group, fit })
      const networks = tiers.map(({ network }, i) => ({ model: `${config.depths[i]} blocks`, network }))
      const result = await measureNetworks(networks, context)
      for (const { network } of networks) disposeNetwork(network)
      return result
    })
  const rows = [
    { name: 'Block dropping', before: await measured(false) },
    { name: 'Block dropping, fitted', before: await measured(true) },
  ]
  const { network } = inheritance.rotated
  return rows.map((row) => ({ ...sizeOfBlocks(network, row.before), ...row, steps: 0, after: null }))
}

/** The ancestor holds them all. */
const sizeOfBlocks = (network, { models }) => ({ stored: countParameters(parametersOf(network)), models: models.length })

/** Measures a family, trains it and measures it again. */
async function tuned(family, name, known, context, tune) {
  const { stage } = context
  const before = known ?? (await stage(`${name}: measure`, () => measureFamily(family, context)))
  const losses = await tune()
  const after = await stage(`${name}: measure`, () => measureFamily(family, context))
  return { name, ...sizeOfFamily(family), steps: losses.length, before, after }
}

const spaceOf = ({ stride }) => ({ kind: 'aligned', stride })

const gramsOf = (pool, { images, config, rng }) =>
  collectGrams(pool, images.training, rng.fork('feature images').permutation(images.training.length).slice(0, config.featureImages))
