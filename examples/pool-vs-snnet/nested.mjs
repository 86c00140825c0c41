import { cut } from '@learngene/inherit'
import { createNested, trainNested } from '@learngene/learngene-pool'
import { countParameters, createViT } from '@learngene/vit-blocks'
import { measureNetworks } from './measure.mjs'

/** One network whose leading widths are the family: as wide as the widest tier, from random weights and from the ancestor in principal order. */
export async function compareNested(context) {
  const { ancestor, config, inheritance, rng } = context
  const { widths } = config
  const width = Math.max(...widths)
  const { geometry, distillationToken: distilled } = ancestor.embedding
  const { classes, epsilon } = ancestor.head
  const [{ heads }] = context.specs
  const shape = { ...geometry, width, depth: ancestor.blocks.length, heads, classes, epsilon, distilled }
  return [
    await trained('Nested widths from random weights', createViT(shape, rng.fork('nested')), {}, 'random', context),
    await trained(
      'Nested widths of the rotated ancestor',
      cut(inheritance.rotated, { width }).network,
      gainsWithin(width, inheritance.rotated.order.energies, widths),
      'rotated',
      context,
    ),
  ]
}

async function trained(name, network, gains, start, context) {
  const { config, images, teacher, group, rng, stage, plan } = context
  const { sizesPerStep, learningRates, labelWeight, ...recipe } = config.nested
  const nested = createNested(network, { widths: config.widths, gains })
  const networks = nested.widths.map((width) => ({ model: `width ${width}`, network: nested.networkAt(width) }))
  const measured = () => stage(`${name}: measure`, () => measureNetworks(networks, context))
  const before = await measured()
  const losses = await stage(`${name}: train`, (report) => {
    const options = { ...plan({ ...recipe, learningRate: learningRates[start] }), sizesPerStep, labelWeight, teacher, group, report }
    return trainNested(nested, images.training, options, rng.fork(name))
  })
  const after = await measured()
  const stored = countParameters(nested.parameters)
  nested.dispose()
  return { name, stored, models: networks.length, steps: losses.length * sizesPerStep, before, after }
}

/** For each width, the gain of every norm beside those of the cut of full width, for the energy that it cuts besides: sqrt(D / D_s) sqrt(kept share). */
function gainsWithin(full, energies, widths) {
  const kept = (place, width) => place.slice(0, width - 1).reduce((total, share) => total + share, 0)
  const gains = (width) => energies.map((place) => Math.sqrt(((full / width) * kept(place, width)) / kept(place, full)))
  return Object.fromEntries(widths.map((width) => [width, gains(width)]))
}
