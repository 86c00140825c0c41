import { distill, inheritTiers } from '@learngene/learngene-pool'
import { countParameters, disposeNetwork, parametersOf } from '@learngene/vit-blocks'
import { stepsOf } from './config.mjs'
import { measureNetworks } from './measure.mjs'

/** "Why not just distil one?": a model of each size, cut out of the ancestor as the tiers are, each with all the steps of a family. */
export async function compareSingleModels(context) {
  const { ancestor, config, images, inheritance, teacher, group, rng, stage, specs, plan } = context
  const { learningRates, labelWeight, ...recipe } = config.inherited
  const tiers = await stage('inherit the single models', () => inheritTiers(ancestor, specs, images.training, { from: inheritance, group }))
  const networks = tiers.map(({ network }, i) => ({ model: `width ${specs[i].width}`, network }))
  const measured = () => stage('single models: measure', () => measureNetworks(networks, context))
  const before = await measured()
  const steps = stepsOf(config).inherited
  for (const [i, spec] of specs.entries()) {
    await stage(`single model of width ${spec.width}`, (report) => {
      const training = plan({ ...recipe, steps, learningRate: learningRates[i] })
      const options = { ...training, start: tiers[i], labelWeight, weights: { logit: 1, block: 0, attn: 0 }, teacher, group, report }
      return distill(ancestor, spec, images.training, options, rng.fork(`single ${spec.width}`))
    })
  }
  const after = await measured()
  const stored = networks.reduce((sum, { network }) => sum + countParameters(parametersOf(network)), 0)
  for (const { network } of networks) disposeNetwork(network)
  return [{ name: 'Single models', stored, models: networks.length, steps, stepsEach: true, before, after }]
}
