// What a training step of two wasm workers is made of, beside the step of one worker: averaging the gradients, and the update, which both make whole.
//
//   npm run build && node benchmarks/group-step.mjs [--model tiny] [--batch 4] [--steps 8]
import { parseArgs } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { useBackend } from '@learngene/backends'
import { crossEntropy } from '@learngene/ops'
import { adamW, createRng, shareOf, train } from '@learngene/training'
import { runGroup } from '@learngene/training/node'
import { createViT, deit, forward, parametersOf } from '@learngene/vit-blocks'
import { mean, oneHot, randomNormal, tensor1d, tensor2d, tidy, zerosLike } from '@tensorflow/tfjs-core'

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** One member of a group. */
export async function main(group, { model, batch, steps }) {
  await useBackend('wasm')
  const network = createViT(deit[model], createRng(1))
  const parameters = parametersOf(network)
  const { imageSize, channels, classes } = deit[model]
  const own = shareOf(
    group,
    Array.from({ length: batch }, (_, i) => i),
  ).length
  const images = randomNormal([own, imageSize, imageSize, channels], 0, 1, 'float32', 1)
  const targets = oneHot(
    tensor1d(
      Array.from({ length: own }, (_, i) => i),
      'int32',
    ),
    classes,
  )
  const begun = []
  await train({
    parameters,
    steps: steps + 2,
    learningRate: () => 1e-4,
    optimizer: adamW(),
    batch: () => begun.push(performance.now()),
    loss: () => mean(crossEntropy(forward(network, images).logits, targets)),
    group,
  })
  begun.push(performance.now())
  const step = begun
    .slice(1)
    .map((end, i) => end - begun[i])
    .slice(1)

  const optimizer = adamW()
  const state = optimizer.init(parameters)
  const gradients = Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, zerosLike(parameter)]))
  const {
    data,
    shape: [rows, columns],
  } = optimizer.scalars(parameters, state, 1e-4)
  const factors = Float32Array.from({ length: data.length }, (_, i) => (i % columns === 0 ? 1 : 0))
  const table = tensor2d([...data, ...factors], [2 * rows, columns])
  const values = Float32Array.from({ length: Object.values(parameters).reduce((sum, { size }) => sum + size, 0) })
  const [update, average] = [[], []]
  for (let i = 0; i < steps + 2; i++) {
    group.barrier()
    const started = performance.now()
    tidy(() => optimizer.update(parameters, gradients, state, table))
    update.push(performance.now() - started)
    group.barrier()
    const between = performance.now()
    group.mean(values)
    average.push(performance.now() - between)
  }
  return { step: median(step), update: median(update.slice(2)), average: median(average.slice(2)), parameters: values.length }
}

if (isMainThread) {
  const { values: options } = parseArgs({
    options: {
      model: { type: 'string', default: 'tiny' },
      batch: { type: 'string', default: '4' },
      steps: { type: 'string', default: '8' },
    },
  })
  const input = { model: options.model, batch: Number(options.batch), steps: Number(options.steps) }
  const found = []
  for (const size of [1, 2, 1, 2]) found.push({ size, ...(await runGroup({ module: new URL(import.meta.url), size, input })) })
  for (const { size, step, update, average, parameters } of found)
    console.log(
      `${size} ${size === 1 ? 'worker ' : 'workers'}: step ${step.toFixed(0)} ms, of which the update of ${parameters} parameters ${update.toFixed(1)} ms and exchanging as many values ${average.toFixed(1)} ms`,
    )
  const of = (size, key) => median(found.filter((each) => each.size === size).map((each) => each[key]))
  console.log(
    `two workers are ${(of(1, 'step') / of(2, 'step')).toFixed(2)} x as fast; with the update cut in half ${(of(1, 'step') / (of(2, 'step') - of(2, 'update') / 2)).toFixed(2)} x, if sharing it cost nothing`,
  )
}
