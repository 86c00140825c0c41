import { setImmediate } from 'node:timers/promises'
import type { ImageSource } from '@learngene/interfaces/tensors'

/** Lets Ctrl-C be heard before each batch, by whoever reads it: some backends never return to the event loop by themselves. */
export function interruptible(source: ImageSource, signal: AbortSignal): ImageSource {
  return {
    ...source,
    async batch(indices, context) {
      await setImmediate()
      signal.throwIfAborted()
      return source.batch(indices, { signal, ...context })
    },
  }
}
