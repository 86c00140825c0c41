/**
 * Times an epoch over a folder of JPEG photographs, a second one out of the source's memory, and one over an array of the same pixels.
 *
 *   npx nx run datasets:build && node packages/datasets/scripts/time-epochs.mjs [pictures]
 *
 * Also prints how long the main thread computed: what a training step would wait for. Where Linux does not tell, that is how long it was kept from other work.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { arrayDataset, batches, evaluationCrop, imageSource } from '@learngene/datasets'
import { imageFolder } from '@learngene/datasets/node'
import { createRng } from '@learngene/training'
import '@tensorflow/tfjs-backend-cpu'
import sharp from 'sharp'

const count = Number(process.argv[2] ?? 512)
const preprocessing = {
  size: [224, 224],
  crop: 'center',
  cropPct: 0.875,
  interpolation: 'bicubic',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
}

const dir = await mkdtemp(join(tmpdir(), 'time-epochs-'))
try {
  for (const name of ['a', 'b']) await mkdir(join(dir, name))
  for (let i = 0; i < count; i++) {
    const noise = { type: 'gaussian', mean: 128, sigma: 40 }
    const small = await sharp({ create: { width: 62, height: 47, channels: 3, noise, background: 'grey' } })
      .png()
      .toBuffer()
    await writeFile(join(dir, i % 2 ? 'a' : 'b', `${i}.jpg`), await sharp(small).resize(500, 375).jpeg({ quality: 90 }).toBuffer())
  }
  const folder = await imageFolder(dir)
  const pixels = new Uint8Array(count * 224 * 224 * 3)
  for (let i = 0; i < count; i++) pixels.set(evaluationCrop(await folder.picture(i), preprocessing).data, i * 224 * 224 * 3)
  const array = arrayDataset({ name: 'array', imageShape: [224, 224, 3], classes: folder.classes, labels: folder.labels, pixels })

  console.log(
    `${count} JPEG files of 500 x 375 to 224 x 224, batches of 32, Node ${process.version}, ${cpus().length} x ${cpus()[0].model}`,
  )
  const remembered = imageSource(folder, preprocessing)
  await epoch('folder, epoch 1', remembered)
  await epoch('folder, epoch 2', remembered)
  const here = { ...folder, elsewhere: undefined }
  await epoch('folder, no workers', imageSource(here, preprocessing, { memoryLimit: 0 }))
  await epoch('array', imageSource(array, { mean: preprocessing.mean, std: preprocessing.std }))
  const augment = { randomResizedCrop: {}, flip: true, randAugment: {} }
  await epoch('augmented', imageSource(folder, preprocessing, { augment }))
  await epoch('same, no workers', imageSource(here, preprocessing, { augment, memoryLimit: 0 }))
} finally {
  await rm(dir, { recursive: true })
}

async function epoch(name, source) {
  const [start, before] = [performance.now(), busy()]
  for (const batch of batches(source.length, 32)) {
    const { images, targets } = await source.batch(batch, { rng: createRng(0) })
    images.dispose()
    targets.dispose()
  }
  const [all, own] = [performance.now() - start, busy() - before].map((time) => (time / source.length).toFixed(2))
  console.log(`${name.padEnd(20)} ${all} ms a picture, ${own} ms on the main thread`)
}

/** Milliseconds that the main thread has computed so far. */
function busy() {
  const statistics = `/proc/self/task/${process.pid}/schedstat`
  if (!existsSync(statistics)) return performance.eventLoopUtilization().active
  return Number(readFileSync(statistics, 'utf8').split(' ')[0]) / 1e6
}
