import type { RunConfig } from '../run/config.js'
import type { QuickstartConfig } from './config.js'

/** The quickstart as a run: the embedded ancestor on Fashion-MNIST. @param dataDir a folder with all 70,000 images; default those that are embedded */
export function quickstartRun(config: QuickstartConfig, dataDir: string | undefined): RunConfig {
  const { stride, validationImages, trainingImages, distillation, ...rest } = config
  return {
    ...rest,
    ancestor: 'embedded',
    images: { training: dataDir === undefined ? 'embedded' : `fashion-mnist:${dataDir}`, validationImages, trainingImages },
    space: { kind: 'aligned', stride },
    distillation,
    baseline: true,
  }
}
