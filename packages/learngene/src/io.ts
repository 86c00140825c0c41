/** Where text goes; a terminal where `isTTY`. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** All that a command has of the world besides files and its arguments. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  readonly env: { readonly [name: string]: string | undefined }
}

export function processIo(signal: AbortSignal = new AbortController().signal): Io {
  return { stdout: process.stdout, stderr: process.stderr, signal, env: process.env }
}

/** Prints the one JSON document of `--json`. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
