import { engine } from '@tensorflow/tfjs-core'
import { vi } from 'vitest'

/** Labels of GPU programs. */
export interface WatchedPrograms {
  /** Those that were compiled while the thread waited. */
  readonly waiting: readonly string[]
  /** Those that were compiled beside it. */
  readonly ahead: readonly string[]
  end(): void
}

/** Lets the current backend, which must be webgpu, forget its programs and watches how it compiles them until the end; then it has the old ones as well. */
export function watchPrograms(): WatchedPrograms {
  const backend = engine().backend as unknown as { readonly device: GPUDevice; pipelineCache: { [key: string]: GPUComputePipeline } }
  const { device, pipelineCache } = backend
  backend.pipelineCache = {}
  const [waiting, ahead]: [string[], string[]] = [[], []]
  const spies = [
    vi.spyOn(device, 'createComputePipeline').mockImplementation((descriptor) => {
      waiting.push(descriptor.label ?? '')
      return Object.getPrototypeOf(device).createComputePipeline.call(device, descriptor)
    }),
    vi.spyOn(device, 'createComputePipelineAsync').mockImplementation((descriptor) => {
      ahead.push(descriptor.label ?? '')
      return Object.getPrototypeOf(device).createComputePipelineAsync.call(device, descriptor)
    }),
  ]
  return {
    waiting,
    ahead,
    end() {
      for (const spy of spies) spy.mockRestore()
      backend.pipelineCache = { ...pipelineCache, ...backend.pipelineCache }
    },
  }
}
