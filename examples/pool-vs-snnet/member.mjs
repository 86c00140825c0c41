import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { accuracies, cachedTeacher, createDistillation } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { costOf, loadModel, withoutWeights } from '@learngene/vit-blocks'
import { comparePools, compareSnNet } from './families.mjs'
import { loadImages } from './images.mjs'
import { compareSingleModels } from './single-models.mjs'

/** The whole comparison for one seed. Every member of the group runs it and takes its share of each batch. */
export async function main(group, { config, seed, backend, ancestor: bytes }, report) {
  setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
  const { name, version } = await useBackend(backend)
  const rng = createRng(seed)
  const { network: ancestor, details } = await loadModel(bytes, { name: 'ancestor' })
  const images = await loadImages(config, details.normalisation, rng)
  const { macs, parameters } = costOf(ancestor)
  const seconds = {}
  const stage = async (name, run) => {
    report({ kind: 'stage', name })
    const started = performance.now()
    const result = await run(report)
    seconds[name] = (seconds[name] ?? 0) + (performance.now() - started) / 1000
    return result
  }

  const teacher = await stage('run the ancestor over the training images', () =>
    cachedTeacher(ancestor, ancestorFeatures(ancestor, config), images.training, { group }),
  )
  const [test] = await accuracies([ancestor], images.test, { batchSize: 50, group })
  const budgets = config.budgets.map((share) => Math.floor(share * macs))
  const context = { ancestor, config, images, teacher, group, rng, stage, budgets }
  const rows = await comparePools(context)
  for (const snnet of config.snnets) rows.push(await compareSnNet(snnet, context))
  rows.push(...(await compareSingleModels(context)))
  return {
    seed,
    backend: { name, version },
    images: { training: images.training.length, validation: images.validation.length, test: images.test.length },
    ancestor: { macs, parameters, depth: ancestor.blocks.length, width: ancestor.embedding.width, test },
    budgets,
    rows,
    seconds,
  }
}

/** All features of the ancestor that the distillations ask for. */
function ancestorFeatures(ancestor, { tiers, single }) {
  const features = [...tiers, single.small].flatMap(
    (spec) => withoutWeights(() => createDistillation(ancestor, spec, {}, createRng(0))).ancestorFeatures,
  )
  return [...new Set(features)]
}
