import type { ByteSource } from '@learngene/interfaces'

/** The files of one model: a folder, a place on a server, a repository of the hub, or one file alone. */
export interface WeightFiles {
  /** Names the model in errors. */
  readonly name: string
  /** The safetensors file, or the index (`*.index.json`) of several. */
  readonly file: string
  /** The hub's repository that the files are of, `owner/name`, where that is known. */
  readonly origin?: string
  /** Whether `config.json` and `preprocessor_config.json` beside the file belong to it. */
  readonly configured: boolean
  /** What the user should know about where the files came from. */
  readonly notes: readonly string[]
  /** Opens a file by its name; undefined where there is none. */
  open(file: string): Promise<ByteSource | undefined>
}

/** One safetensors file alone. */
export function singleFile(source: ByteSource, name: string): WeightFiles {
  return { name, file: name, configured: false, notes: [], open: async (file) => (file === name ? source : undefined) }
}
