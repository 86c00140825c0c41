import { join } from 'node:path'
import type { Registry } from '@learngene/recipe'
import { loadConfig } from '../config/load-config.js'
import { isPlainObject } from '../config/schema.js'
import type { RunConfig } from './config.js'
import { exists, RUN, readStoredRun } from './run-folder.js'

/** A stored configuration with the functions of the module that it came from. */
export async function loadOwn(config: RunConfig, configFile: string | undefined): Promise<RunConfig> {
  if (configFile === undefined) return config
  const { value } = (await loadConfig(configFile, process.cwd()))!
  const { registry } = value as Partial<RunConfig>
  return { ...(withFunctions(config, value) as RunConfig), ...(registry && { registry }) }
}

/** The stored value with the loaded one's functions at any depth; all else is as it was stored, also where the module has changed since. */
function withFunctions(stored: unknown, loaded: unknown): unknown {
  if (typeof loaded === 'function') return loaded
  if (!isPlainObject(loaded) || !(stored === undefined || isPlainObject(stored))) return stored
  const keys = new Set([...Object.keys(stored ?? {}), ...Object.keys(loaded)])
  const entries = [...keys]
    .map((key) => [key, withFunctions(stored?.[key], loaded[key])] as const)
    .filter(([, value]) => value !== undefined)
  return stored === undefined && entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** What is left of a configuration where it is stored or handed to another thread: all but its functions. */
export const withoutFunctions = (config: RunConfig): RunConfig => JSON.parse(JSON.stringify(config))

/** The kinds and functions of the user's own in a configuration's module. */
export async function ownRegistry(configFile: string | undefined): Promise<Registry | undefined> {
  return configFile === undefined ? undefined : ((await loadConfig(configFile, process.cwd()))!.value.registry as Registry | undefined)
}

/** Those of a run, by its folder; none where it does not say what it is of. */
export async function registryOfRun(dir: string): Promise<Registry | undefined> {
  if (!(await exists(join(dir, RUN)))) return undefined
  const { config, configFile } = await readStoredRun(dir)
  return config.registry && ownRegistry(configFile)
}
