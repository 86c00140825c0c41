// The family that the page brings along, of a quickstart: `npx learngene quickstart --out RUN && node packages/studio/make-family.mjs RUN`. Weights travel as int8 and the test
// accuracies are measured with those. The ancestor's own weights, which the quickstart leaves as they are, stay in @learngene/fashion-mnist: the build packs them.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { useBackend } from '@learngene/backends'
import { imageSource } from '@learngene/datasets'
import { loadTest } from '@learngene/fashion-mnist'
import { accuracies, descendantsOf, poolParameters } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { tensor } from '@tensorflow/tfjs-core'
import { familyFiles, packTensors, unpackTensors } from './dist/index.js'

const [run] = process.argv.slice(2)
if (run === undefined) throw new Error('name a finished run: node make-family.mjs runs/quickstart')
const out = fileURLToPath(new URL('family/', import.meta.url))

await useBackend('wasm')
const pool = await loadPool(join(run, 'pool'))
const report = JSON.parse(await readFile(join(run, 'report.json'), 'utf8'))
const test = await loadTest()
const files = await familyFiles({ name: 'Fashion-MNIST', pool, report, samples: test, weights: 'int8' })
const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')))

/** The pool's own tensors take the values that travel. */
const { instances, stitches } = poolParameters(pool)
for (const { name: tier, file } of manifest.tiers) {
  for (const { name, shape, data } of unpackTensors(files.get(file), file)) {
    const [kind, id, local] = name.startsWith('stitch/') ? name.split('/') : ['tier', tier, name.slice('tier/'.length)]
    const value = tensor(data, shape)
    ;(kind === 'stitch' ? stitches : instances)[`${id}.${local}`].assign(value)
    value.dispose()
  }
}
const paths = [...pool.space.enumerate()]
const measured = await accuracies(descendantsOf(pool, paths), imageSource(test, pool.details.normalisation))
const accuracyOf = new Map(paths.map((path, i) => [pool.space.key(path), measured[i]]))
const descendants = manifest.descendants.map((each) => ({ ...each, testAccuracy: accuracyOf.get(each.path) }))
for (const [i, { path, testAccuracy }] of descendants.entries())
  console.log(path, manifest.descendants[i].testAccuracy.toFixed(4), '->', testAccuracy.toFixed(4))

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
for (const [file, bytes] of files) {
  const tier = manifest.tiers.find((each) => each.file === file)
  if (tier?.ancestor)
    await writeFile(
      join(out, 'ancestor-stitches.bin'),
      packTensors(
        unpackTensors(bytes, file).filter(({ name }) => name.startsWith('stitch/')),
        'int8',
      ),
    )
  else if (file !== 'manifest.json') await writeFile(join(out, file), bytes)
}
const described = { ...manifest, descendants, accuracy: { ...manifest.accuracy, of: 'wire' } }
await writeFile(join(out, 'manifest.json'), `${JSON.stringify(described, null, 1)}\n`)
for (const file of await readdir(out)) console.log(file, (await readFile(join(out, file))).length)
