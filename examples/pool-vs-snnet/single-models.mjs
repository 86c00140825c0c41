import { distillSmall, samePlan, trainFromScratch, trainLearngene } from '@learngene/learngene-pool'
import { disposeNetwork, vitStructure } from '@learngene/vit-blocks'
import { measureNetwork, sizeOfNetwork } from './measure.mjs'

/** Single models with the budget of a whole pool: "why not just distil one?" */
export async function compareSingleModels(context) {
  const { ancestor, config, images, teacher, group, rng, stage } = context
  const { small, learngene } = config.single
  const plan = samePlan([...config.tiers.map(() => config.training), config.fineTuning])
  const { geometry } = ancestor.embedding
  const { training } = images
  const trainings = {
    'Small, distilled': (options, rng) => distillSmall(ancestor, small, training, { ...options, teacher }, rng),
    'Small, from scratch': (options, rng) =>
      trainFromScratch(vitStructure({ ...geometry, ...small, classes: ancestor.head.classes }), training, options, rng),
    Learngene: (options, rng) => trainLearngene(ancestor, learngene, training, options, rng),
  }
  const rows = []
  for (const [name, train] of Object.entries(trainings)) {
    rows.push(
      await stage(name, async (report) => {
        const { network, losses } = await train({ ...plan, group, report }, rng.fork(name))
        const after = await measureNetwork(network, name, context)
        const size = sizeOfNetwork(network)
        disposeNetwork(network)
        return { name, ...size, steps: losses.length, residual: null, before: null, after }
      }),
    )
  }
  return rows
}
