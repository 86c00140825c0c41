import { tune } from '@learngene/backends'
import { isSoftwareAdapter, setPrecision } from '@learngene/ops'
import { type Work, workOf } from '@learngene/recipe'
import type { TrainingPrecision } from '@learngene/training'
import { costOf } from '@learngene/vit-blocks'
import { engine } from '@tensorflow/tfjs-core'
import { oneLine } from '../errors.js'
import { startBackend } from '../start-backend.js'
import { deviceName, stepOf } from '../tuning/step.js'
import { recipeWithoutData } from './build-recipe.js'
import { ownRegistry } from './own-values.js'
import type { TuneRunAnswer, TuneRunRequest } from './tune-run.js'

const PRECISIONS: readonly TrainingPrecision[] = ['float32', 'mixed']

/** The products of what takes a run's time, those of each precision in its share of the seconds. */
async function answer({ config, configFile, images, classes, workers, seconds, software }: TuneRunRequest): Promise<TuneRunAnswer> {
  await startBackend('webgpu')
  const { device } = engine().backend as unknown as { readonly device: GPUDevice }
  if (!software && isSoftwareAdapter(device.adapterInfo ?? {})) return { skipped: 'the adapter computes on the CPU' }
  const registry = await ownRegistry(configFile)
  const size = { images, classes, augmented: config.augmentation !== undefined, members: workers }
  const { works, dispose } = await workOf(recipeWithoutData({ ...config, ...(registry && { registry }) }, ''), size)
  const total = macsOf(works)
  const started = performance.now()
  let [shapes, measured] = [0, 0]
  let file: string | null = null
  for (const precision of PRECISIONS) {
    const own = works.filter((work) => work.precision === precision)
    if (own.length === 0) continue
    setPrecision(precision === 'mixed' ? 'mixed' : 'f32')
    const steps = own.map(({ network, batch, what, parameters, times }) => ({ step: stepOf(network, batch, what, parameters), times }))
    const tuned = await tune(steps, { seconds: (seconds * macsOf(own)) / total, onlyNew: true })
    shapes += tuned.shapes
    measured += Object.keys(tuned.plans).length
    file = tuned.file
  }
  dispose()
  return { device: await deviceName(), shapes, measured, seconds: (performance.now() - started) / 1000, file }
}

/** Multiply-adds of all the work: a backward pass costs two forward passes. */
function macsOf(works: readonly Work[]): number {
  return works.reduce((sum, { network, batch, what, times }) => sum + (what === 'train' ? 3 : 1) * times * batch * costOf(network).macs, 0)
}

process.once('message', async (request: TuneRunRequest) => {
  const answered = await answer(request).catch((error: unknown): TuneRunAnswer => ({ skipped: oneLine(error) }))
  process.send!(answered, () => process.exit(0))
})
