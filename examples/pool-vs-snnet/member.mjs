import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { accuracies, cachedTeacher, createAuxiliary, createDistillation, openInheritance } from '@learngene/learngene-pool'
import { createRng } from '@learngene/training'
import { costOf, loadModel, withoutWeights } from '@learngene/vit-blocks'
import { compareDroppedBlocks, compareInherited, compareRandom, compareSnNet } from './families.mjs'
import { loadImages } from './images.mjs'
import { compareNested } from './nested.mjs'
import { compareSingleModels } from './single-models.mjs'

const comparisons = {
  inherited: compareInherited,
  random: compareRandom,
  snnet: compareSnNet,
  nested: compareNested,
  blocks: compareDroppedBlocks,
  single: compareSingleModels,
}

/** The whole comparison for one seed. Every member of the group runs it and takes its share of each batch. */
export async function main(group, { config, seed, backend, only, ancestor: bytes }, report) {
  setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
  const { name, version } = await useBackend(backend)
  const rng = createRng(seed)
  const { network: ancestor, details } = await loadModel(bytes, { name: 'ancestor' })
  const images = await loadImages(config, details.normalisation, rng)
  const seconds = {}
  const stage = async (name, run) => {
    report({ kind: 'stage', name })
    const started = performance.now()
    const result = await run(report)
    seconds[name] = (seconds[name] ?? 0) + (performance.now() - started) / 1000
    return result
  }

  const [{ config: block }] = ancestor.blocks
  const depth = ancestor.blocks.length
  const specs = config.widths.map((width) => ({ width, depth, heads: block.heads }))
  const { features, sizes } = withoutWeights(() => describe(ancestor, specs))
  const teacher = await stage('run the ancestor over the training images', () =>
    cachedTeacher(ancestor, features, images.training, { group }),
  )
  const inheritance = await stage('write the ancestor in principal order', () => {
    const indices = rng.fork('calibration images').permutation(images.training.length).slice(0, config.calibrationImages)
    return openInheritance(ancestor, images.training, { indices, blockOrder: !only || only.includes('blocks') })
  })
  const [test] = await accuracies([ancestor], images.test, { batchSize: 50, group })
  const perEpoch = Math.floor(images.training.length / config.batchSize)
  const plan = ({ steps, learningRate, weightDecay }) => ({
    epochs: steps / perEpoch,
    batchSize: config.batchSize,
    learningRate,
    weightDecay,
  })
  const context = { ancestor, config, images, teacher, inheritance, group, rng, stage, specs, sizes, plan }
  const rows = []
  for (const [key, compare] of Object.entries(comparisons)) if (!only || only.includes(key)) rows.push(...(await compare(context)))
  const { macs, parameters } = costOf(ancestor)
  return {
    seed,
    backend: { name, version },
    images: { training: images.training.length, validation: images.validation.length, test: images.test.length },
    ancestor: { macs, parameters, depth, width: ancestor.embedding.width, test },
    sizes,
    rows,
    seconds,
  }
}

/** All features of the ancestor that the distillations from random weights ask for, and what a single model of each size costs. */
function describe(ancestor, specs) {
  const features = specs.flatMap((spec) => createDistillation(ancestor, spec, {}, createRng(0)).ancestorFeatures)
  const sizes = specs.map((spec) => ({ width: spec.width, ...costOf(createAuxiliary(ancestor, spec, createRng(0)).network) }))
  return { features: [...new Set(features)], sizes: sizes.map(({ width, macs, parameters }) => ({ width, macs, parameters })) }
}
