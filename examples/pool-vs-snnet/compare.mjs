// Compares families of models that one ancestor gives (inherited and random pools, SN-Net, nested widths, dropped blocks) with each other and with single models, on the
// embedded Fashion-MNIST images.
//
//   npm run build && node examples/pool-vs-snnet/compare.mjs --out pool-vs-snnet
//
// Writes results.json and results.md to --out after every seed. --quick does the same in a minute on toy models.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readAncestor } from '@learngene/fashion-mnist'
import { runGroup } from '@learngene/training/node'
import { full, quick } from './config.mjs'
import { renderMarkdown, summarise } from './summary.mjs'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'pool-vs-snnet' },
    ancestor: { type: 'string' },
    backend: { type: 'string', default: 'wasm' },
    workers: { type: 'string', default: '2' },
    config: { type: 'string' },
    seeds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const started = performance.now()
const elapsed = () => (performance.now() - started) / 1000
const config = {
  ...(values.quick ? quick : full),
  ...(values.config && JSON.parse(await readFile(values.config, 'utf8'))),
  ...(values.seeds && { seeds: values.seeds.split(',').map(Number) }),
}
const workers = Number(values.workers)
const ancestor = values.ancestor ? new Uint8Array(await readFile(values.ancestor)) : await readAncestor()

const runs = []
for (const seed of config.seeds) {
  runs.push(
    await runGroup({
      size: workers,
      module: new URL('./member.mjs', import.meta.url),
      input: { config, seed, backend: values.backend, only: values.only?.split(','), ancestor },
      report(event) {
        if (event.kind === 'stage') console.log(`${Math.round(elapsed())} s, seed ${seed}: ${event.name}`)
      },
    }),
  )
  const results = { schema: 1, config, workers, seconds: elapsed(), runs, summary: summarise(runs) }
  await mkdir(values.out, { recursive: true })
  await writeFile(join(values.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(join(values.out, 'results.md'), renderMarkdown(results))
}
console.log(await readFile(join(values.out, 'results.md'), 'utf8'))
