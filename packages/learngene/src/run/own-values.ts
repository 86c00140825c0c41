import { loadConfig } from '../config/load-config.js'
import { mergeConfig } from '../config/merge-config.js'
import type { RunConfig } from './config.js'

/** A stored configuration with the functions of the module that it came from. */
export async function loadOwn(config: RunConfig, configFile: string | undefined): Promise<RunConfig> {
  if (configFile === undefined) return config
  const loaded = await loadConfig(configFile, process.cwd())
  return mergeConfig(loaded!.value as RunConfig, config)
}
