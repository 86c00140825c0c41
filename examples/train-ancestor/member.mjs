import { readFile, writeFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { useBackend } from '@learngene/backends'
import { batches, channelStatistics, imageSource, subset } from '@learngene/datasets'
import { loadFashionMnist } from '@learngene/datasets/node'
import { accuracies } from '@learngene/learngene-pool'
import { crossEntropy } from '@learngene/ops'
import { adamW, cosine, createRng, shareOf, train } from '@learngene/training'
import { createViT, forward, loadModel, parametersOf, saveModel } from '@learngene/vit-blocks'
import { add, mean, mul } from '@tensorflow/tfjs-core'

const architecture = { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 }
const batchSize = 128
const smoothing = 0.1

/**
 * One member of the training group: every member trains the same network on its share of each batch. With `start`, a model file, training goes on
 * from its weights with its normalisation.
 */
export async function main(group, { dataDir, backend, epochs, images, seed, start, learningRate, shift, out }, report) {
  setFlagsFromString('--experimental-wasm-relaxed-simd') // fused multiply-add on Node 20; newer ones have it
  const { name } = await useBackend(backend)
  const full = await loadFashionMnist(dataDir)
  const training = images
    ? subset(
        full.train,
        Array.from({ length: images }, (_, i) => i),
      )
    : full.train
  const rng = createRng(seed)
  const started = start && (await loadModel(await readFile(start), { name: start }))
  const normalisation = started ? started.details.normalisation : await channelStatistics(training)
  const network = started ? started.network : createViT(architecture, rng.fork('ancestor'))
  const stepsPerEpoch = Math.floor(training.length / batchSize)
  const steps = epochs * stepsPerEpoch

  const details = {
    dataset: 'Fashion-MNIST',
    classNames: full.train.classes,
    normalisation,
    epochs: epochs + (started?.details.epochs ?? 0),
    seed,
    backend: name,
  }
  const save = async () => writeFile(out, await saveModel(network, { dtype: 'F16', details }))
  const testAccuracy = async () => (await accuracies([network], imageSource(full.test, normalisation), { group }))[0]

  const source = imageSource(training, normalisation, { augment: { shift, flip: true } })
  const drawn = rng.fork('augmentation')
  let order
  function shareOfStep(step) {
    if (step % stepsPerEpoch === 0 || !order) {
      const epoch = Math.floor(step / stepsPerEpoch)
      order = [...batches(training.length, batchSize, { rng: rng.fork(`epoch ${epoch}`), dropLast: true })]
    }
    return shareOf(group, order[step % stepsPerEpoch])
  }

  let running = 0
  report({ kind: 'message', text: `backend ${name}, ${training.length} images, ${epochs} epochs of ${stepsPerEpoch} steps, seed ${seed}` })
  await train({
    parameters: parametersOf(network),
    steps,
    group,
    optimizer: adamW({ weightDecay: 0.05 }),
    learningRate: cosine({ base: learningRate, steps, warmup: Math.min(500, Math.floor(steps / 10)), final: 1e-5 }),
    clipNorm: 1,
    prepare: (step) => source.batch(shareOfStep(step), { step, rng: drawn }),
    batch: (_, { images, targets }) => ({ images, targets: add(mul(targets, 1 - smoothing), smoothing / architecture.classes) }),
    loss: (_step, _part, { images, targets }) => mean(crossEntropy(forward(network, images).logits, targets)),
    checkpoint: { every: stepsPerEpoch, save },
    report(event) {
      if (event.kind !== 'progress') return
      running += event.metrics.loss
      if (event.done % 100 > 0) return
      report({ kind: 'message', text: `step ${event.done} of ${steps}, loss ${(running / 100).toFixed(4)}` })
      running = 0
    },
  })
  if (group.rank === 0) await save()
  return { testAccuracy: await testAccuracy() }
}
