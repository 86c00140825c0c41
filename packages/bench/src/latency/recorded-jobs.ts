import { type CompiledStep, compileStep } from '@learngene/compile-step'
import { getBackend, type Tensor, tidy } from '@tensorflow/tfjs-core'
import type { Job } from './take-turns.js'

/** Jobs that compute a tensor and read it, as a network runs that names the classes of many images: on webgpu recorded and replayed, elsewhere as it stands. */
export interface RecordedJobs {
  /** @param compute is called twice for a recording and not at all for a replay; what it makes besides its result is freed */
  of(compute: () => Tensor): Job
  /** Frees the recordings. */
  dispose(): void
}

export function createRecordedJobs(): RecordedJobs {
  const steps: CompiledStep<undefined, Tensor>[] = []
  return {
    of(compute) {
      if (getBackend() !== 'webgpu') {
        return async () => {
          const result = tidy(compute)
          await result.data()
          result.dispose()
        }
      }
      const step = compileStep<undefined, Tensor>(compute)
      steps.push(step)
      return async () => {
        await step.run(undefined).data()
      }
    },
    dispose() {
      for (const step of steps) step.dispose()
    },
  }
}
