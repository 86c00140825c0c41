// Makes data/ from the full Fashion-MNIST: the first 1,000 training and the first 200 test images of each class, in original order.
// node scripts/make-subset.mjs /usr/share/datasets/fashion-mnist
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

const [source] = process.argv.slice(2)
if (!source) {
  console.error('usage: node scripts/make-subset.mjs FOLDER  (the four .gz files of Fashion-MNIST)')
  process.exit(2)
}
const target = fileURLToPath(new URL('../data/', import.meta.url))
mkdirSync(target, { recursive: true })

const classes = 10
const imageSize = 28 * 28
const imagesHeader = 16
const labelsHeader = 8

const read = (file, magic, header, itemSize) => {
  const bytes = gunzipSync(readFileSync(join(source, file)))
  const count = bytes.readUInt32BE(4)
  if (bytes.readUInt32BE(0) !== magic || bytes.length !== header + count * itemSize) throw new Error(`${file} is not the file expected`)
  return bytes
}

const write = (file, header, values) => {
  const packed = gzipSync(Buffer.concat([header, values]), { level: 9, memLevel: 9 })
  writeFileSync(join(target, file), packed)
  const sha256 = createHash('sha256').update(values).digest('hex')
  console.log(`${file}: ${packed.length} bytes, ${values.length} values, sha256 of the values ${sha256}`)
  return packed.length
}

const makePart = (prefix, perClass) => {
  const images = read(`${prefix}-images-idx3-ubyte.gz`, 0x803, imagesHeader, imageSize)
  const labelFile = read(`${prefix}-labels-idx1-ubyte.gz`, 0x801, labelsHeader, 1)
  const labels = labelFile.subarray(labelsHeader)
  const taken = new Array(classes).fill(0)
  const chosen = [...labels.keys()].filter((i) => taken[labels[i]]++ < perClass)
  if (chosen.length !== classes * perClass) throw new Error(`${prefix}: wanted ${classes * perClass} images, found ${chosen.length}`)

  const header = (original, size) => {
    const copy = Buffer.from(original.subarray(0, size))
    copy.writeUInt32BE(chosen.length, 4)
    return copy
  }
  const start = (i) => imagesHeader + i * imageSize
  const pixels = Buffer.concat(chosen.map((i) => images.subarray(start(i), start(i) + imageSize)))
  return (
    write(`${prefix}-images-idx3-ubyte.gz`, header(images, imagesHeader), pixels) +
    write(`${prefix}-labels-idx1-ubyte.gz`, header(labelFile, labelsHeader), Buffer.from(chosen.map((i) => labels[i])))
  )
}

console.log(`total: ${makePart('train', 1000) + makePart('t10k', 200)} bytes`)
