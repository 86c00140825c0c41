/**
 * Times an epoch over a folder of JPEG photographs, a second one out of the source's memory, and one over an array of the same pixels.
 *
 *   npx nx run datasets:build && node packages/datasets/scripts/time-epochs.mjs [pictures]
 *
 * "blocked" is how long the main thread was kept from other work: what a training step would wait for.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { arrayDataset, batches, evaluationCrop, imageSource } from '@learngene/datasets'
import { imageFolder } from '@learngene/datasets/node'
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
  const forgetful = imageSource(folder, preprocessing, { memoryLimit: 0 })
  await epoch('folder, no memory', forgetful)
  await epoch('array', imageSource(array, { mean: preprocessing.mean, std: preprocessing.std }))
} finally {
  await rm(dir, { recursive: true })
}

async function epoch(name, source) {
  const [start, before] = [performance.now(), performance.eventLoopUtilization()]
  for (const batch of batches(source.length, 32)) {
    const { images, targets } = await source.batch(batch)
    images.dispose()
    targets.dispose()
  }
  const each = (performance.now() - start) / source.length
  const blocked = performance.eventLoopUtilization(before).active / source.length
  console.log(`${name.padEnd(20)} ${each.toFixed(2)} ms a picture, ${blocked.toFixed(2)} ms of it blocked`)
}
