import { tune } from '@learngene/backends'
import { createAuxiliary } from '@learngene/learngene-pool'
import { isSoftwareAdapter, setPrecision } from '@learngene/ops'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { engine } from '@tensorflow/tfjs-core'
import { oneLine } from '../errors.js'
import { startBackend } from '../start-backend.js'
import { deviceName, stepOf } from '../tuning/step.js'
import { loadAncestor } from './build-recipe.js'
import { ownRegistry } from './own-values.js'
import type { TuneRunAnswer, TuneRunRequest } from './tune-run.js'

/** Steps of all tiers as they are distilled. */
async function answer({ config, configFile, seconds, software }: TuneRunRequest): Promise<TuneRunAnswer> {
  if (config.ancestor === 'train')
    return { skipped: 'the ancestor is still to be trained; learngene tune does it for a model that is there' }
  await startBackend('webgpu')
  const { device } = engine().backend as unknown as { readonly device: GPUDevice }
  if (!software && isSoftwareAdapter(device.adapterInfo ?? {})) return { skipped: 'the adapter computes on the CPU' }
  const registry = await ownRegistry(configFile)
  const { network: ancestor } = await loadAncestor(config.ancestor, () => {}, registry)
  const { batchSize, accumulate = 1, precision } = config.distillation
  if (precision === 'mixed') setPrecision('mixed')
  const shape = { depth: ancestor.blocks.length, heads: ancestor.blocks[0]!.config.heads as number }
  const students = config.tiers.map(({ width, depth = shape.depth, heads = shape.heads }) => {
    return createAuxiliary(ancestor, { width, depth, heads }, createRng(0), registry).network
  })
  const steps = students.map((student) => stepOf(student, batchSize / accumulate, 'train'))
  const started = performance.now()
  const { plans, file } = await tune(
    () => {
      for (const step of steps) step()
    },
    { seconds, onlyNew: true },
  )
  for (const network of [ancestor, ...students]) disposeNetwork(network)
  return { device: await deviceName(), measured: Object.keys(plans).length, seconds: (performance.now() - started) / 1000, file }
}

process.once('message', async (request: TuneRunRequest) => {
  const answered = await answer(request).catch((error: unknown): TuneRunAnswer => ({ skipped: oneLine(error) }))
  process.send!(answered, () => process.exit(0))
})
