// What the measurements of a GPU share: their options, the backend, and one training step that can be recorded.
import '@learngene/ops/gradients'
import { parseArgs } from 'node:util'
import { describeBackend, useBackend } from '@learngene/backends'
import { classTargets, crossEntropy, guardState, guardStep, requireMixed, setPrecision } from '@learngene/ops'
import { adapterFacts } from '@learngene/ops/webgpu'
import { adamW, createRng } from '@learngene/training'
import { createViT, deit, forward, parametersOf } from '@learngene/vit-blocks'
import { dispose, enableProdMode, engine, keep, mean, tensor2d, tensor4d, variableGrads } from '@tensorflow/tfjs-core'

const MODELS = { 'deit-tiny': deit.tiny, 'deit-small': deit.small, 'deit-base': deit.base }

/** Small enough for a software adapter. */
const QUICK = { imageSize: 16, patchSize: 8, channels: 1, width: 16, depth: 1, heads: 2, classes: 4 }

/** The command line: `--model`, `--batch`, `--seconds`, `--precision`, `--quick`, `--json`, `--what` where there is a choice, and `--binaries` where they are kept. */
export function readOptions({ batch = 64, seconds = 60, what: works, binaries: keeps = false } = {}) {
  const { values } = parseArgs({
    options: {
      ...(works && { what: { type: 'string', default: works[0] } }),
      ...(keeps && { binaries: { type: 'string' } }),
      model: { type: 'string', default: 'deit-tiny' },
      batch: { type: 'string' },
      seconds: { type: 'string' },
      precision: { type: 'string', default: 'float32' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { quick, json, model, precision, what, binaries } = values
  if (works && !works.includes(what)) throw new Error(`--what must be ${works.join(' or ')}; got ${what}`)
  const config = quick ? QUICK : MODELS[model]
  if (!config) throw new Error(`--model must be ${Object.keys(MODELS).join(', ')}; got ${model}`)
  if (!['float32', 'mixed'].includes(precision)) throw new Error(`--precision must be float32 or mixed; got ${precision}`)
  const number = (name, fallback) => {
    const value = Number(values[name] ?? fallback)
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0; got ${values[name]}`)
    return value
  }
  return {
    quick,
    json,
    what,
    binaries,
    precision,
    model: quick ? 'quick' : model,
    config,
    batch: number('batch', quick ? 2 : batch),
    seconds: number('seconds', quick ? 60 : seconds),
  }
}

/** Starts webgpu in the precision asked for and says on what. @throws on a software adapter unless `quick`; where `mixed` is not to be had */
export async function startGpu({ quick, precision }) {
  enableProdMode()
  await useBackend('webgpu')
  const { backend } = engine()
  const { adapter, software } = adapterFacts()
  if (software && !quick) throw new Error('the only adapter computes on the CPU; --quick runs a small setting there')
  if (precision === 'mixed') {
    requireMixed('--precision mixed')
    setPrecision('mixed')
  }
  return { backend, adapter, features: (await describeBackend('webgpu')).features }
}

/** Drawn images, on the device, and their values. */
function drawnImages({ imageSize, channels }, batch) {
  const rng = createRng(1)
  const pixels = Float32Array.from({ length: batch * imageSize ** 2 * channels }, () => rng.normal())
  const images = keep(tensor4d(pixels, [batch, imageSize, imageSize, channels]))
  engine().backend.uploadToGPU(images.dataId)
  return { pixels, images }
}

/** A training step with AdamW on images that lie on the device, in the form that `compileStep` takes, what it takes next, and the images' values. */
export function trainingStep(config, batch) {
  const network = createViT(config, createRng(0))
  const parameters = parametersOf(network)
  const names = new Map(Object.entries(parameters).map(([name, { name: variable }]) => [variable, name]))
  const optimizer = adamW()
  const state = optimizer.init(parameters)
  const guard = guardState()
  const labels = Array.from({ length: batch }, (_, i) => i % config.classes)
  const { pixels, images } = drawnImages(config, batch)
  return {
    pixels,
    step({ images, targets, scalars }) {
      const { value, grads } = variableGrads(() => mean(crossEntropy(forward(network, images).logits, targets)), Object.values(parameters))
      const gradients = Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [names.get(name), gradient]))
      const { table } = guardStep(value, [], scalars, guard)
      optimizer.update(parameters, gradients, state, table)
      return { loss: value }
    },
    inputs() {
      const { data, shape } = optimizer.scalars(parameters, state, 1e-3)
      return {
        images,
        targets: classTargets(labels, config.classes),
        scalars: tensor2d(data, shape),
      }
    },
  }
}

/** A forward pass on images that lie on the device, as `trainingStep`. */
export function forwardPass(config, batch) {
  const network = createViT(config, createRng(0))
  const { images } = drawnImages(config, batch)
  return { step: ({ images }) => ({ logits: forward(network, images).logits }), inputs: () => ({ images }) }
}

/** Reads what a step gave, which waits for the GPU, and frees it with what the step alone was given. */
export async function finish({ targets, scalars }, { loss, logits }) {
  const [value] = await (loss ?? logits).data()
  dispose([targets, scalars, loss, logits])
  return value
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

/** Prints one JSON document or, for people, a table; then ends the process, since drivers may hang while they are unloaded. */
export function print({ json }, result, rows) {
  if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`, () => process.exit(0))
  else {
    const { rows: _, ...head } = result
    console.log(JSON.stringify(head))
    console.table(rows)
    process.exit(0)
  }
}
