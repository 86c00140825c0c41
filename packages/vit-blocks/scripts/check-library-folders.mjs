// Loads the folders that make-library-golden.py --folders or --every-timm left, and prints the largest relative error of each against its library, or why it is refused.
// node check-library-folders.mjs DIR (after `npx tsup` in packages/vit-blocks)
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import '@tensorflow/tfjs-backend-cpu'
import { disposeNetwork, forward, openSafetensors } from '@learngene/vit-blocks'
import { loadViT } from '@learngene/vit-blocks/node'
import { dispose, memory, setBackend, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'

const [folder] = process.argv.slice(2)
await setBackend('cpu')

/** ||a - b|| / ||b|| */
function errorOf(found, expected) {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(found.map((value, i) => value - expected[i])) / norm(expected)
}

async function check(path) {
  const expected = await openSafetensors(await readFile(join(path, 'expected.safetensors')), { name: 'expected' })
  const { file, options } = JSON.parse(await readFile(join(path, 'options.json'), 'utf8'))
  const { network, details, notes } = await loadViT(file === 'model.safetensors' ? path : join(path, file), options)
  const input = await expected.readFloat32('in')
  const images = tidy(() => transpose(tensor4d(input, expected.tensors.get('in').shape), [0, 2, 3, 1]))
  const { logits, features } = forward(network, images, { features: ['pooled'] })
  const errors = { pooled: errorOf(await features.pooled.data(), await expected.readFloat32('pooled')) }
  if (expected.tensors.has('logits')) errors.logits = errorOf(await logits.data(), await expected.readFloat32('logits'))
  dispose([images, logits, features.pooled])
  disposeNetwork(network)
  return { errors, details, notes }
}

let worst = 0
for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
  try {
    const { errors, notes } = await check(join(folder, name))
    const error = Math.max(...Object.values(errors))
    worst = Math.max(worst, error)
    console.log(error < 1e-5 ? 'equal   ' : 'DIFFERS ', name, error.toExponential(1), notes.join(' | '))
  } catch (error) {
    console.log('refused ', name, error.message.split('\n')[0])
  }
}
console.log('largest error', worst.toExponential(1), 'tensors left', memory().numTensors)
