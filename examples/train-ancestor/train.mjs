// Trains the embedded ancestor: a ViT of 12 blocks, from scratch, on Fashion-MNIST.
//
//   node examples/train-ancestor/train.mjs --data-dir DIR --backend tensorflow --epochs 12 --seed 0 --out ancestor.safetensors
//
// DIR holds the four IDX files of Fashion-MNIST (Debian: apt-get download dataset-fashion-mnist && dpkg -x).
// Expected: the accuracy that packages/fashion-mnist/data/ancestor.md states. --images N trains on the first N images only.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { useBackend } from '@learngene/backends'
import { batches, channelStatistics, shiftAndFlip, subset, toTensor } from '@learngene/datasets'
import { loadFashionMnist } from '@learngene/datasets/node'
import { classTargets, crossEntropy } from '@learngene/ops'
import { adamW, cosine, createRng, train } from '@learngene/training'
import { createViT, forward, parametersOf, saveModel } from '@learngene/vit-blocks'
import { argMax, mean, tidy } from '@tensorflow/tfjs-core'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string', default: '/usr/share/datasets/fashion-mnist' },
    backend: { type: 'string', default: 'auto' },
    epochs: { type: 'string', default: '12' },
    images: { type: 'string' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: 'ancestor.safetensors' },
  },
})
const architecture = { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 }
const batchSize = 128
const smoothing = 0.1

const started = performance.now()
const seconds = () => ((performance.now() - started) / 1000).toFixed(0)
const { name: backend } = await useBackend(values.backend)
const full = await loadFashionMnist(values['data-dir'])
const training = values.images
  ? subset(
      full.train,
      Array.from({ length: Number(values.images) }, (_, i) => i),
    )
  : full.train
const normalisation = channelStatistics(training)
const rng = createRng(Number(values.seed))
const network = createViT(architecture, rng.fork('ancestor'))

const epochs = Number(values.epochs)
const stepsPerEpoch = Math.floor(training.length / batchSize)
const steps = epochs * stepsPerEpoch
const order = (function* () {
  for (let epoch = 0; epoch < epochs; epoch++)
    yield* batches(training.length, batchSize, { rng: rng.fork(`epoch ${epoch}`), dropLast: true })
})()
const augment = shiftAndFlip({ shift: 1, flip: true }, rng.fork('augmentation'))

function loss() {
  const indices = order.next().value
  const shape = [batchSize, ...training.imageShape]
  const images = toTensor(augment(training.images(indices), shape), shape, normalisation)
  const targets = classTargets(training.labels(indices), architecture.classes, smoothing)
  return mean(crossEntropy(forward(network, images).logits, targets))
}

async function accuracy(dataset) {
  let correct = 0
  for (const indices of batches(dataset.length, 500)) {
    const predicted = tidy(() => {
      const images = toTensor(dataset.images(indices), [indices.length, ...dataset.imageShape], normalisation)
      return argMax(forward(network, images).logits, -1)
    })
    const labels = dataset.labels(indices)
    correct += (await predicted.data()).reduce((sum, label, i) => sum + (label === labels[i] ? 1 : 0), 0)
    predicted.dispose()
  }
  return correct / dataset.length
}

let running = 0
console.log(`backend ${backend}, ${training.length} images, ${epochs} epochs of ${stepsPerEpoch} steps, seed ${values.seed}`)
await train({
  parameters: parametersOf(network),
  steps,
  loss,
  optimizer: adamW({ weightDecay: 0.05 }),
  learningRate: cosine({ base: 1e-3, steps, warmup: Math.min(500, Math.floor(steps / 10)), final: 1e-5 }),
  clipNorm: 1,
  report(event) {
    if (event.kind !== 'progress') return
    running += event.metrics.loss
    if (event.done % 100 === 0) {
      console.log(`${seconds()} s, step ${event.done} of ${steps}, loss ${(running / 100).toFixed(4)}`)
      running = 0
    }
  },
})
const details = {
  dataset: 'Fashion-MNIST',
  classNames: full.train.classes,
  normalisation,
  heads: architecture.heads,
  seed: Number(values.seed),
  epochs,
  backend,
}
await writeFile(values.out, await saveModel(network, { dtype: 'F16', details }))
console.log(`test accuracy ${(await accuracy(full.test)).toFixed(4)} after ${seconds()} s; wrote ${values.out}`)
