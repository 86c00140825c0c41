import type { z } from 'zod'
import { checkConfig, checkOptions } from './check-config.js'
import { loadConfig } from './load-config.js'
import { mergeAlong } from './merge-config.js'

export interface ConfigSources<S extends z.ZodType> {
  readonly schema: S
  /** What of the configuration may be left out. */
  readonly defaults?: object
  /** The file of `--config`, relative to the working directory. */
  readonly file?: string
  /** A directory in which `learngene.config.*` is taken where no file is named. */
  readonly cwd?: string
  /** Options of the command line by their keys in the configuration; those not given are undefined. */
  readonly flags?: object
  /** What errors call it where no file is read, such as `quickstart configuration`. */
  readonly name: string
}

/**
 * A command's configuration: flags over the file over defaults, as `mergeAlong` merges them.
 *
 * @returns the checked configuration, and the file that it was read from
 * @throws UsageError as `loadConfig` and `checkConfig` do
 */
export async function resolveConfig<S extends z.ZodType>(sources: ConfigSources<S>): Promise<{ value: z.output<S>; file?: string }> {
  const { schema, defaults = {}, file, cwd, flags = {}, name } = sources
  const loaded = file === undefined && cwd === undefined ? undefined : await loadConfig(file, cwd ?? process.cwd())
  if (loaded) checkOptions(schema, loaded.value, loaded.file)
  const value = checkConfig(schema, mergeAlong(schema, defaults, loaded?.value, flags), loaded?.file ?? name)
  return { value, ...(loaded && { file: loaded.file }) }
}
