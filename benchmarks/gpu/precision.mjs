// What mixed precision changes on this GPU: the results and gradients of products of drawn values, and the loss and gradients of a whole model, as the norm of the difference from
// float32 over the norm.
//
//   npm run build && node benchmarks/gpu/precision.mjs [--model deit-tiny|deit-small|deit-base] [--batch 8] [--quick] [--json]
import { classTargets, crossEntropy, linear, requireMixed, setPrecision } from '@learngene/ops'
import { createRng } from '@learngene/training'
import { createViT, forward, parametersOf } from '@learngene/vit-blocks'
import { dispose, grads, mean, tensor, variableGrads } from '@tensorflow/tfjs-core'
import { median, print, readOptions, startGpu } from './work.mjs'

/** Rows, depth, columns: those of DeiT-Ti, and some that nothing divides. */
const PRODUCTS = [
  [197, 192, 576],
  [1000, 768, 192],
  [12608, 192, 768],
  [33, 50, 17],
  [65, 130, 129],
  [3, 5, 7],
]

const options = readOptions({ batch: 8 })
const { adapter, features } = await startGpu(options)
requireMixed('precision.mjs')
const rows = []
for (const [count, depth, columns] of options.quick ? PRODUCTS.slice(3) : PRODUCTS) {
  const errors = await compare(() => product(count, depth, columns))
  rows.push({ product: `${count}x${columns}x${depth}`, result: errors.result, ofInput: errors.ofInput, ofWeight: errors.ofWeight })
}
const network = createViT(options.config, createRng(0))
const { loss, ...gradients } = await compare(() => step(network, options))
const sorted = Object.values(gradients).toSorted((a, b) => a - b)
const model = { loss, gradients: { parameters: sorted.length, median: median(sorted), most: sorted.at(-1) } }
print(options, { what: 'precision', adapter, features, model: options.model, batch: options.batch, step: model, rows }, rows)

/** How far what a function computes in mixed precision is from what it computes in float32, by name. */
async function compare(compute) {
  const values = async (precision) => {
    setPrecision(precision)
    const tensors = compute()
    const read = await Promise.all(Object.entries(tensors).map(async ([name, tensor]) => [name, await tensor.data()]))
    dispose(tensors)
    return Object.fromEntries(read)
  }
  const [exact, mixed] = [await values('f32'), await values('mixed')]
  return Object.fromEntries(Object.keys(exact).map((name) => [name, difference(mixed[name], exact[name])]))
}

function difference(values, exact) {
  const norm = (of) => Math.sqrt(exact.reduce((sum, _, i) => sum + of(i) ** 2, 0))
  return norm((i) => values[i] - exact[i]) / norm((i) => exact[i])
}

function product(count, depth, columns) {
  const rng = createRng(count + columns)
  const drawn = (shape) =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
      shape,
    )
  const given = [drawn([count, depth]), drawn([columns, depth]), drawn([columns])]
  const dy = drawn([count, columns])
  const result = linear(...given)
  const [ofInput, ofWeight, ofBias] = grads((...inputs) => linear(...inputs))(given, dy)
  dispose([given, dy, ofBias])
  return { result, ofInput, ofWeight }
}

function step(network, { config, batch }) {
  const rng = createRng(1)
  const { imageSize, channels, classes } = config
  const images = tensor(
    Float32Array.from({ length: batch * imageSize ** 2 * channels }, () => rng.normal()),
    [batch, imageSize, imageSize, channels],
  )
  const targets = classTargets(
    Array.from({ length: batch }, (_, i) => i % classes),
    classes,
  )
  const loss = () => mean(crossEntropy(forward(network, images).logits, targets))
  const { value, grads: gradients } = variableGrads(loss, Object.values(parametersOf(network)))
  dispose([images, targets])
  return { loss: value, ...gradients }
}
