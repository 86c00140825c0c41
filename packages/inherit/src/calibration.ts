import type { Reporter } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { describe } from '@learngene/vit-blocks'
import { dispose, type Tensor4D } from '@tensorflow/tfjs-core'

/** Unlabelled images that the ancestor is watched on. */
export interface CalibrationOptions {
  /** Which images; default 128, evenly spread. */
  readonly indices?: ArrayLike<number>
  /** Images at a time; default 16. */
  readonly batchSize?: number
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

export const CALIBRATION_OPTIONS = ['indices', 'batchSize', 'report', 'signal'] as const

const defaultImages = 128

/** The images of a calibration: those that are named, or 128 evenly spread over all. @throws when there are none, or one is not in the source */
export function calibrationIndices(source: ImageSource, { indices }: CalibrationOptions): readonly number[] {
  if (indices !== undefined && typeof indices?.length !== 'number') {
    throw new Error(`calibration: indices must be a list of whole numbers; got ${describe(indices)}`)
  }
  const count = Math.min(defaultImages, source.length)
  const chosen = indices ? Array.from(indices) : Array.from({ length: count }, (_, i) => Math.floor((i * source.length) / count))
  if (chosen.length === 0) throw new Error('calibration: there must be at least one image; got none')
  const outside = chosen.find((index) => !Number.isInteger(index) || index < 0 || index >= source.length)
  if (outside !== undefined) {
    throw new Error(
      `calibration: indices must be whole numbers from 0 to ${source.length - 1}, the source's images; got ${describe(outside)}`,
    )
  }
  return chosen
}

/** Hands out the calibration images batch by batch and frees them. */
export async function overImages(
  source: ImageSource,
  options: CalibrationOptions,
  run: (images: Tensor4D, batch: number) => Promise<void> | void,
): Promise<void> {
  const { batchSize = 16, report, signal } = options
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new Error(`calibration: batchSize must be a positive integer; got ${describe(batchSize)}`)
  const indices = calibrationIndices(source, options)
  for (let start = 0; start < indices.length; start += batchSize) {
    await turn(signal)
    const part = indices.slice(start, start + batchSize)
    const { images, targets } = await source.batch(part, { signal })
    try {
      await run(images, start / batchSize)
    } finally {
      dispose([images, targets])
    }
    report?.({ kind: 'progress', done: start + part.length, total: indices.length })
  }
}

/** Lets timers and signals have their turn, since backends that compute at once never do, and ends where it is asked to. */
export async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
  signal?.throwIfAborted()
}
