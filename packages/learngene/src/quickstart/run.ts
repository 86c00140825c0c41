import { readFile } from 'node:fs/promises'
import { asUsage, UsageError } from '../errors.js'
import type { RunConfig } from '../run/config.js'
import { defaultConfig, parseConfig, type QuickstartConfig } from './config.js'

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

/** The quickstart's configuration with the values of a file in place of its own. @throws UsageError of one line */
export async function readQuickstartConfig(file: string | undefined): Promise<QuickstartConfig> {
  if (file === undefined) return defaultConfig
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`the configuration ${file} cannot be read: ${error.message}`)
  })
  return asUsage(() => parseConfig(parseJson(text, file)))
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} must be JSON: ${(error as Error).message}`)
  }
}
