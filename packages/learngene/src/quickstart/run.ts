import type { AlignedOptions } from '@learngene/stitch'
import type { RunConfig } from '../run/config.js'
import type { QuickstartConfig } from './config.js'

/** How a run names a folder with the files of Fashion-MNIST. */
const FILES = 'fashion-mnist:'

/** The quickstart as a run: the embedded ancestor on Fashion-MNIST. @param dataDir a folder with all 70,000 images; default those that are embedded */
export function quickstartRun(config: QuickstartConfig, dataDir: string | undefined): RunConfig {
  const { stride, validationImages, trainingImages, distillation, ...rest } = config
  return {
    ...rest,
    ancestor: 'embedded',
    images: { training: dataDir === undefined ? 'embedded' : `${FILES}${dataDir}`, validationImages, trainingImages },
    space: { kind: 'aligned', stride },
    distillation,
    baseline: true,
  }
}

/** The quickstart that became a run by {@link quickstartRun}. */
export function quickstartOf({ ancestor: _, images, space, baseline: __, ...rest }: RunConfig) {
  const { training, validationImages, trainingImages } = images
  const dataDir = training.startsWith(FILES) ? training.slice(FILES.length) : undefined
  return { config: { ...rest, stride: (space as AlignedOptions).stride, validationImages, trainingImages } as QuickstartConfig, dataDir }
}
