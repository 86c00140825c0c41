// Trains the embedded ancestor: a ViT of 12 blocks, from scratch, on Fashion-MNIST.
//
//   npm run build && node examples/train-ancestor/train.mjs --data-dir DIR --out ancestor.safetensors
//
// DIR holds the four IDX files of Fashion-MNIST (Debian: apt-get download dataset-fashion-mnist, then dpkg -x).
// Time and accuracy to expect: packages/fashion-mnist/data/ancestor.md. --images N trains on the first N images only.
// --start FILE goes on from a model file instead of random weights.
import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { runGroup } from '@learngene/training/node'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string', default: '/usr/share/datasets/fashion-mnist' },
    backend: { type: 'string', default: 'wasm' },
    workers: { type: 'string', default: '2' },
    epochs: { type: 'string', default: '12' },
    images: { type: 'string' },
    seed: { type: 'string', default: '0' },
    start: { type: 'string' },
    'learning-rate': { type: 'string', default: '1e-3' },
    shift: { type: 'string', default: '1' },
    out: { type: 'string', default: 'ancestor.safetensors' },
  },
})
const started = performance.now()
const seconds = () => Math.round((performance.now() - started) / 1000)
const { testAccuracy } = await runGroup({
  size: Number(values.workers),
  module: new URL('./member.mjs', import.meta.url),
  input: {
    dataDir: values['data-dir'],
    backend: values.backend,
    epochs: Number(values.epochs),
    images: values.images && Number(values.images),
    seed: Number(values.seed),
    start: values.start,
    learningRate: Number(values['learning-rate']),
    shift: Number(values.shift),
    out: values.out,
  },
  report(event) {
    if (event.kind === 'message') console.log(`${seconds()} s, ${event.text}`)
  },
})
console.log(`test accuracy ${testAccuracy.toFixed(4)} after ${seconds()} s; wrote ${values.out} (${(await stat(values.out)).size} bytes)`)
