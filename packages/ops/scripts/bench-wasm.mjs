// Times this package's own wasm kernels against the reference forms on the same backend, in turns, in seconds of processor time: matrix
// products of ViT shapes and the training step of a small ViT. Usage: npm run build && node scripts/bench-wasm.mjs [--deit]
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { adamW, attention, crossEntropy, gelu, layerNorm, linear, patchify, setOps } from '../dist/index.js'

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)
await tf.setBackend('wasm')

const SMALL = { image: 28, patch: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10, batch: 64 }
const DEIT_TINY = { image: 224, patch: 16, channels: 3, width: 192, depth: 12, heads: 3, classes: 1000, batch: 4 }

for (const [rows, columns, depth] of [
  [1088, 288, 96],
  [1088, 96, 384],
  [788, 576, 192],
  [788, 192, 768],
]) {
  compareProducts(rows, columns, depth)
}
compareTraining(process.argv.includes('--deit') ? DEIT_TINY : SMALL)

function compareProducts(rows, columns, depth) {
  const [x, weight, bias] = [random([rows, depth]), random([columns, depth]), random([columns])]
  const gflops = (run) => (2 * rows * columns * depth) / seconds(run, 40) / 1e9
  const rates = inTurns(() => gflops(() => linear(x, weight, bias).dispose()))
  console.log(`linear [${rows}, ${depth}] -> [${rows}, ${columns}]: ${describe(rates, 'GFLOP/s')}`)
}

function compareTraining(config) {
  const step = trainingStep(config)
  const rates = inTurns(() => config.batch / seconds(step, 2))
  console.log(`train ${JSON.stringify(config)}: ${describe(rates, 'images/s')}`)
}

/** The best of three turns of each mode. */
function inTurns(measure) {
  const best = { reference: 0, auto: 0 }
  for (let turn = 0; turn < 3; turn++) {
    for (const mode of Object.keys(best)) {
      setOps(mode)
      best[mode] = Math.max(best[mode], measure())
    }
  }
  return best
}

function describe({ reference, auto }, unit) {
  return `reference ${reference.toFixed(1)}, own ${auto.toFixed(1)} ${unit}`
}

/** Processor time of one run: other processes on the machine do not count. */
function seconds(run, times) {
  run()
  const start = process.cpuUsage()
  for (let i = 0; i < times; i++) run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / times / 1e6
}

function random(shape) {
  return tf.randomNormal(shape, 0, 0.05, 'float32', 1)
}

function trainingStep({ image, patch, channels, width, depth, heads, classes, batch }) {
  const variables = []
  const weights = (...shape) => {
    const variable = tf.variable(random(shape))
    variables.push(variable)
    return variable
  }
  const affine = (inputs, outputs) => [weights(outputs, inputs), weights(outputs)]
  const norm = () => [weights(width), weights(width)]
  const count = (image / patch) ** 2
  const embed = affine(patch * patch * channels, width)
  const position = weights(1, count + 1, width)
  const classToken = weights(1, 1, width)
  const blocks = Array.from({ length: depth }, () => ({
    norms: [norm(), norm()],
    layers: [affine(width, 3 * width), affine(width, width), affine(width, 4 * width), affine(4 * width, width)],
  }))
  const [last, head] = [norm(), affine(width, classes)]
  const images = random([batch, image, image, channels])
  const targets = tf.cast(
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: batch }, (_, i) => i % classes),
        'int32',
      ),
      classes,
    ),
    'float32',
  )

  const loss = () => {
    const patches = tf.reshape(linear(patchify(images, patch), ...embed, { inputGradient: false }), [batch, count, width])
    const first = tf.add(tf.zeros([batch, 1, width]), classToken)
    let x = tf.add(tf.concat([first, patches], 1), position)
    for (const { norms, layers } of blocks) {
      x = tf.add(x, linear(attention(linear(layerNorm(x, ...norms[0]), ...layers[0]), heads), ...layers[1]))
      x = tf.add(x, linear(gelu(linear(layerNorm(x, ...norms[1]), ...layers[2])), ...layers[3]))
    }
    const token = tf.reshape(tf.slice(x, [0, 0, 0], [batch, 1, width]), [batch, width])
    return tf.mean(crossEntropy(linear(layerNorm(token, ...last), ...head), targets))
  }
  const moments = variables.map((variable) => ({ m: tf.variable(tf.zerosLike(variable)), v: tf.variable(tf.zerosLike(variable)) }))
  const options = { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05, step: 1 }
  return () => {
    const { value, grads } = tf.variableGrads(loss)
    for (const [i, variable] of variables.entries()) adamW(variable, grads[variable.name], moments[i], options)
    tf.dispose([value, grads])
  }
}
