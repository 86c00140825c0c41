import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { classes } from '@learngene/fashion-mnist'
import type { JsonObject } from '@learngene/interfaces'
import { buildPool, disposePool } from '@learngene/learngene-pool'
import { savePool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, type ViTConfig } from '@learngene/vit-blocks'
import { saveModelFile } from '@learngene/vit-blocks/node'
import { sampleReport } from './report/sample.fixture.js'
import { startBackend } from './start-backend.js'

const geometry = { imageSize: 28, patchSize: 7, channels: 1, classes: 10, heads: 2 }
export const details: JsonObject = { normalisation: { mean: [0.286], std: [0.353] }, classNames: [...classes] }

export { temporaryDirectory } from './temporary-directory.fixture.js'

/** A run's directory with an untrained pool of the tiers `s` (8 x 2) and `l` (16 x 2), and a report that knows nothing of it. */
export async function writeRun(dir: string, report: RunReport = sampleReport()): Promise<void> {
  await startBackend('wasm')
  const rng = createRng(1)
  const tiers = [
    { name: 's', width: 8 },
    { name: 'l', width: 16 },
  ].map(({ name, width }) => ({ name, network: createViT({ ...geometry, width, depth: 2 }, rng.fork(name)), transformations: [] }))
  const pool = buildPool(tiers, { details }, rng)
  await mkdir(dir, { recursive: true })
  await savePool(join(dir, 'pool'), pool)
  disposePool(pool)
  await writeFile(join(dir, 'report.json'), JSON.stringify(report))
}

/** An untrained model file. */
export async function writeModel(file: string, config: Partial<ViTConfig> = {}, modelDetails: JsonObject = details): Promise<void> {
  await startBackend('wasm')
  const network = createViT({ ...geometry, width: 8, depth: 1, ...config }, createRng(1))
  await saveModelFile(file, network, { details: modelDetails })
  disposeNetwork(network)
}
