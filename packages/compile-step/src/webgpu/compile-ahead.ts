import type { Command } from './commands.js'

/** Hears how many GPU programs are compiled, of how many that are known of so far. */
export type CompileProgress = (done: number, total: number) => void

/** Compiles the pipelines that a capture asks for at the same time and beside it; the capture works with stand-ins until they are there. */
export interface CompileAhead {
  /** In place of the device's own; the pipeline is a stand-in. */
  create(descriptor: GPUComputePipelineDescriptor): GPUComputePipeline
  /** Waits for all of them. @throws where one cannot be compiled */
  settle(onProgress: CompileProgress): Promise<void>
  /** The pipeline of a stand-in once they are there, any other pipeline as it is. */
  real(pipeline: GPUComputePipeline): GPUComputePipeline
}

export function compileAhead(device: GPUDevice): CompileAhead {
  const coming = new Map<GPUComputePipeline, Promise<GPUComputePipeline>>()
  const there = new Map<GPUComputePipeline, GPUComputePipeline>()
  return {
    create(descriptor) {
      const standIn = { label: descriptor.label ?? '', getBindGroupLayout: () => ({}) } as unknown as GPUComputePipeline
      const pipeline = device.createComputePipelineAsync(descriptor)
      pipeline.catch(() => {}) // settle throws it
      coming.set(standIn, pipeline)
      return standIn
    },
    async settle(onProgress) {
      await Promise.all(
        Array.from(coming, async ([standIn, pipeline]) => {
          there.set(standIn, await pipeline)
          onProgress(there.size, coming.size)
        }),
      )
    },
    real: (pipeline) => there.get(pipeline) ?? pipeline,
  }
}

/** A capture whose commands name real pipelines. */
export function withReal<Capture extends { readonly commands: readonly Command[] }>(capture: Capture, ahead: CompileAhead): Capture {
  const commands = capture.commands.map((command) => {
    if (command.kind === 'copy') return command
    const pipeline = ahead.real(command.pipeline)
    return pipeline === command.pipeline ? command : { ...command, pipeline, layout: pipeline.getBindGroupLayout(0) }
  })
  return { ...capture, commands }
}
