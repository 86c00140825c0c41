// Training steps on the tensorflow backend, call by call or as one graph (`compile` of train): wall and CPU milliseconds of each after the first two, and the losses.
//
//   npm run build && npx learngene install-tensorflow
//   node benchmarks/tensorflow-recorded.mjs MODEL BATCH STEPS eager|graph
import { useBackend } from '@learngene/backends'
import { median, namedModel } from '@learngene/bench'
import { crossEntropy } from '@learngene/ops'
import { adamW, createRng, train } from '@learngene/training'
import { createViT, forward, parametersOf } from '@learngene/vit-blocks'
import { cast, enableProdMode, mean, oneHot, randomNormal, range, tidy } from '@tensorflow/tfjs-core'

const [name = 'quickstart', batch = '64', steps = '10', form = 'graph'] = process.argv.slice(2)
await useBackend('tensorflow')
enableProdMode()
const { config: model } = namedModel(name)
const images = randomNormal([Number(batch), model.imageSize, model.imageSize, model.channels], 0, 1, 'float32', 1)
const targets = tidy(() => cast(oneHot(range(0, Number(batch), 1, 'int32'), model.classes), 'float32'))
const network = createViT(model, createRng(0))

const cpuMs = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000
const times = [{ wall: performance.now(), cpu: cpuMs() }]
const losses = await train({
  parameters: parametersOf(network),
  steps: Number(steps),
  batch: () => ({ images, targets }),
  loss: (_step, _part, given) => mean(crossEntropy(forward(network, given.images).logits, given.targets)),
  optimizer: adamW(),
  learningRate: () => 1e-4,
  report: () => void times.push({ wall: performance.now(), cpu: cpuMs() }),
  ...(form === 'graph' && { compile: { key: () => '' } }),
})
const of = (kind) => times.slice(1).map((time, i) => time[kind] - times[i][kind])
const summary = ['wall', 'cpu'].map((kind) => `${kind} ${median(of(kind).slice(2)).toFixed(0)} ms`)
console.log(
  `${name}, batch ${batch}, ${form}: ${summary.join(', ')}; first step ${(of('wall')[0] / 1000).toFixed(1)} s; last loss ${losses.at(-1)}`,
)
