import type { BackendName } from '@learngene/backends'
import { askProcess } from '../ask-process.js'

/** What the process that reads the extracted file is asked for. */
export interface VerifyRequest {
  readonly model: string
  /** The safetensors file with `images` and the `logits` that they gave inside the pool. */
  readonly compared: string
  readonly backend: BackendName
  /** The module with the user's kinds of blocks, where there is one. */
  readonly configFile?: string
}

/** What takes longer for its few images hangs. */
const TIME_LIMIT_SECONDS = 600

/**
 * Reads an extracted model in a new process and runs images through it.
 *
 * @param module the built `verify-process` entry
 * @returns logits, image by image
 * @throws when that process fails, with its message
 */
export async function logitsInNewProcess(module: URL, request: VerifyRequest, signal?: AbortSignal): Promise<Float32Array> {
  const failure = (stderr: string, ended: string) =>
    `the extracted model cannot be run in a new process: ${stderr.trim().split('\n').at(-1) || ended}`
  return Float32Array.from((await askProcess(module, request, failure, { seconds: TIME_LIMIT_SECONDS, signal })) as number[])
}

/** max |a - b| / max |b| */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`logits must be of equal number; got ${a.length} and ${b.length}`)
  const largest = (value: (i: number) => number) => b.reduce((most, _, i) => Math.max(most, Math.abs(value(i))), 0)
  return largest((i) => a[i]! - b[i]!) / largest((i) => b[i]!)
}
