import { dispose, fill } from '@tensorflow/tfjs-core'

/** Fills memory with NaN and frees it, so that an output that is not written in full, or read before, shows. */
export function poisonFreedMemory(...shapes: readonly number[][]): void {
  dispose(shapes.flatMap((shape) => Array.from({ length: 4 }, () => fill(shape, Number.NaN))))
}
