/** What a block of code takes for granted: what its page has said before, files, or what only its reader has. */
export interface Given {
  readonly page: string
  /** A line of the block that no other block of the page has. */
  readonly line: string
  /** Code that comes before it in its module. */
  readonly before: string
  /** Code that comes after it, which throws where the block did not do what it says. */
  readonly after?: string
  /** Other blocks of the page that are files beside it when it is run: a line of each, by the file's name. */
  readonly files?: { readonly [name: string]: string }
  /** Whether it is run too, which cannot be where it needs the network or a page. */
  readonly runs: boolean
}

const small = '{ imageSize: 28, patchSize: 7, channels: 3, width: 12, depth: 1, heads: 2, classes: 2 }'
const preprocessing =
  "{ size: [28, 28], crop: 'squash', cropPct: 1, interpolation: 'bilinear', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const"

export const given: readonly Given[] = [
  {
    page: 'README.md',
    line: "await fineTune(pool, images, plan, rng.fork('tune'))",
    before: `import type { ImageSource } from '@learngene/interfaces/tensors'
declare const images: ImageSource, validation: ImageSource`,
    runs: false,
  },
  {
    page: 'docs/serving.md',
    line: "const serving = await serve('runs/quickstart', { port: 0, queue: 128 })",
    before: `import { createRng, createViT, useBackend } from 'learngene/node'
import { saveHuggingFaceFolder } from '@learngene/vit-blocks/node'
await useBackend('cpu')
const details = { preprocessing: ${preprocessing}, classNames: ['cat', 'dog'] }
await saveHuggingFaceFolder('runs/quickstart', createViT(${small}, createRng(0)), { details })`,
    runs: true,
  },
  {
    page: 'packages/export/README.md',
    line: 'const session = await ort.InferenceSession.create(model)',
    before: `import assert from 'node:assert/strict'
import '@tensorflow/tfjs-backend-cpu'
import { createRng } from '@learngene/training'
import { createViT } from '@learngene/vit-blocks'
const network = createViT({ ...${small}, imageSize: 224, patchSize: 56 }, createRng(0))
const pixels = new Float32Array(3 * 224 * 224)`,
    after: 'assert.deepEqual(logits.dims, [1, 2])',
    runs: true,
  },
  {
    page: 'packages/export/README.md',
    line: '      scale(graph, { parameters }, x) {',
    before: `import '@tensorflow/tfjs-backend-cpu'
import { mul } from '@tensorflow/tfjs-core'
import { createRng } from '@learngene/training'
import { constant, createViT } from '@learngene/vit-blocks'
const scale = (config) => {
  const parameters = { gain: constant(2, [config.width]) }
  const forward = (x) => mul(x, parameters.gain)
  return { kind: 'scale', config, inputWidth: config.width, outputWidth: config.width, parameters, macs: () => 0, liveFloats: () => 0, forward } as any
}
const network = createViT({ ...${small}, block: () => ({ kind: 'scale', config: { width: 12 } }) }, createRng(0), { blocks: { scale } })`,
    runs: true,
  },
  {
    page: 'packages/export/README.md',
    line: "const files = await toCascadeParts(model, async (network) => new Map([['model.onnx', (await toOnnx(network)).model]]))",
    before: `import assert from 'node:assert/strict'
import '@tensorflow/tfjs-backend-cpu'
import { cascade } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT } from '@learngene/vit-blocks'
const model = cascade(createViT(${small}, createRng(0)), createViT({ ...${small}, depth: 2 }, createRng(1)), 0.9)`,
    after: "assert.deepEqual([...files.keys()].sort(), ['cascade.json', 'large/model.onnx', 'small/model.onnx'])",
    runs: true,
  },
  {
    page: 'packages/learngene/README.md',
    line: "const [first] = await classify(model, [await decodeImage('shoe.jpg')], { top: 3 })",
    before: `import assert from 'node:assert/strict'
import sharp from 'sharp'
import { createRng, createViT, saveModelFile } from 'learngene/node'
import { setBackend } from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
await setBackend('cpu')
const details = { preprocessing: ${preprocessing}, classNames: ['Sandal', 'Sneaker'] }
await saveModelFile('small.safetensors', createViT(${small}, createRng(0)), { details })
await sharp({ create: { width: 28, height: 28, channels: 3, background: 'white' } }).jpeg().toFile('shoe.jpg')`,
    after: 'assert.equal(first.length, 2)',
    runs: true,
  },
  {
    page: 'packages/training/README.md',
    line: "const losses = await runGroup({ size: 2, module: new URL('./program.js', import.meta.url), input: { seed: 0 }, report: console.log })",
    before: "import assert from 'node:assert/strict'",
    after: 'assert.ok((losses as Float32Array).at(-1) < (losses as Float32Array)[0])',
    files: { 'program.js': 'export async function main(group, { seed }, report) {' },
    runs: true,
  },
  {
    page: 'packages/training/README.md',
    line: 'export async function main(group, { seed }, report) {',
    before: `import '@tensorflow/tfjs-backend-cpu'
import { matMul, mean, type Scalar, setBackend, square, tensor2d, variable } from '@tensorflow/tfjs-core'
const startBackend = () => setBackend('cpu')
/** Numbers that are to become zero. */
const createModel = (rng) => {
  const parameters = { weight: variable(tensor2d([rng.normal(), rng.normal()], [2, 1])) }
  const loss = (batch) => mean(square(matMul(tensor2d([...batch].map((i) => [1, i / 8])), parameters.weight))) as Scalar
  return { parameters, loss }
}
const batchOf = (step, rng) => rng.fork(\`step \${step}\`).permutation(8)`,
    runs: false,
  },
  {
    page: 'packages/vit-blocks/README.md',
    line: "const block = () => ({ kind: 'scale', config: { width: 48 } }) // for each place",
    before: `import '@tensorflow/tfjs-backend-cpu'
import { createRng } from '@learngene/training'
const rng = createRng(0)
const config = { imageSize: 32, patchSize: 8, channels: 3, width: 48, depth: 3, heads: 3, classes: 10 }`,
    runs: true,
  },
  {
    page: 'packages/vit-blocks/README.md',
    line: "const { pass, errors, worst } = await checkReferenceFile('timm-vit-golden.safetensors')",
    before: `import assert from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import '@tensorflow/tfjs-backend-cpu'
const golden = new URL('../../../packages/vit-blocks/src/testing/reference/timm-vit-golden.safetensors', import.meta.url)
await copyFile(golden, 'timm-vit-golden.safetensors')`,
    after: 'assert.ok(pass)',
    runs: true,
  },
]
