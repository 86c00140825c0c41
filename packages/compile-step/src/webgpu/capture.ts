import { clone, type DataId, engine, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core'
import { whileCapturing } from '../capturing.js'
import { patch } from '../patch.js'
import { checkSynchronous } from '../plain.js'
import { Refusal, type Refuse } from '../refusal.js'
import { mapTensors, tensorsOf } from '../tree.js'
import { byteLength, flush, type TensorData, type WebGPUBackend } from './backend.js'
import { type BufferRef, buffersOf, type Command, copyOf, isLogical, type LogicalBuffer } from './commands.js'
import type { CompileAhead } from './compile-ahead.js'
import { type HomeKeeper, keepHomes } from './home.js'
import { createRecorder, type Recorder } from './recorder.js'
import { watchTensors } from './watch-tensors.js'

/** A tensor from outside that the step uses. */
export interface Outside {
  readonly dataId: DataId
  readonly buffer: GPUBuffer
  readonly variable: Variable | undefined
}

export interface Output {
  readonly buffer: BufferRef
  readonly shape: number[]
  readonly dtype: Tensor['dtype']
}

/** A tensor made in the step that outlives it. */
export interface Kept {
  readonly buffer: LogicalBuffer
  readonly data: TensorData
}

/** All that one run of a step does on the GPU, before it has memory there. */
export interface Capture {
  readonly commands: readonly Command[]
  readonly logicalBuffers: readonly LogicalBuffer[]
  /** In the order of the inputs' tensors. */
  readonly inputs: readonly LogicalBuffer[]
  readonly outputs: readonly Output[]
  /** What the function returned; its tensors are disposed. */
  readonly result: unknown
  readonly outside: readonly Outside[]
  readonly kept: readonly Kept[]
}

/**
 * Runs a step without executing its GPU commands. Variables keep their tensors.
 *
 * @param ahead compiles the pipelines that are not there yet; those of the capture, and of the backend, are then stand-ins until `settle` is through with them
 * @throws Refusal where the step cannot be recorded; what the function throws
 */
export function capture(backend: WebGPUBackend, run: (inputs: unknown) => unknown, inputs: unknown, ahead?: CompileAhead): Capture {
  flush(backend)
  let refusal: Refusal | undefined
  const refuse: Refuse = (reason) => {
    refusal ??= new Refusal(reason)
    throw refusal
  }
  const keeper = keepHomes(backend)
  const recorder = createRecorder(backend.device, backend.bufferManager, refuse, ahead?.create)
  for (const { buffer } of keeper.homes) recorder.admit(buffer)
  const watch = watchTensors(backend, recorder, refuse)
  const { device, queue, bufferManager } = recorder
  const restore = patch<WebGPUBackend>(backend, { device, queue, bufferManager, ...watch.members })
  let captured: Omit<Capture, 'outside' | 'kept'> | undefined
  try {
    captured = whileCapturing(backend, () => record(backend, recorder, keeper, run, inputs, refuse))
  } catch (error) {
    throw refusal ?? error
  } finally {
    try {
      keeper.bringBack()
      flush(backend)
    } finally {
      backend.commandEncoder = null
      backend.computePassEncoder = null
      restore()
      keeper.end()
      if (!captured || refusal) for (const { data } of keptOf(backend, recorder, watch.made)) poison(data)
    }
  }
  if (refusal) throw refusal
  const { commands } = captured
  return { ...captured, outside: outsideOf(commands, keeper, watch.outside), kept: keptOf(backend, recorder, watch.made) }
}

function record(
  backend: WebGPUBackend,
  recorder: Recorder,
  keeper: HomeKeeper,
  run: (inputs: unknown) => unknown,
  inputs: unknown,
  refuse: Refuse,
): Omit<Capture, 'outside' | 'kept'> {
  const inputBuffers: LogicalBuffer[] = []
  const bufferOf = ({ dataId }: Tensor): BufferRef => {
    backend.uploadToGPU(dataId)
    return recorder.refer(backend.tensorMap.get(dataId).resource!)
  }
  const result = tidy(() => {
    const standIns = mapTensors(inputs, ({ shape, dtype }) => {
      const info = backend.makeTensorInfo(shape, dtype)
      const buffer = recorder.newBuffer(byteLength(shape))
      backend.tensorMap.get(info.dataId).resource = buffer
      inputBuffers.push(recorder.refer(buffer) as LogicalBuffer)
      return engine().makeTensorFromTensorInfo(info, backend)
    })
    return mapTensors(checkSynchronous(run(standIns)), (tensor) => clone(tensor)) as never
  }) as unknown
  const outputs = tensorsOf(result).map((tensor) => ({ buffer: bufferOf(tensor), shape: tensor.shape, dtype: tensor.dtype }))
  const moved = keeper.moved()
  // A buffer that one assignment reads may be what another writes into: those are read first.
  const sources = moved.map(({ variable }) => {
    const from = bufferOf(variable)
    if (isLogical(from)) return from
    const aside = recorder.refer(recorder.newBuffer(from.size))
    recorder.commands.push(copyOf(from, aside, from.size))
    return aside
  })
  for (const [i, { buffer }] of moved.entries()) recorder.commands.push(copyOf(sources[i]!, buffer, buffer.size))
  for (const tensor of tensorsOf(result)) tensor.dispose()
  if (keeper.homes.some(({ variable }) => variable.isDisposed)) refuse('it disposes variables')
  const { commands, logicalBuffers } = recorder
  return { commands, logicalBuffers, inputs: inputBuffers, outputs, result }
}

/** The tensors from outside that the commands name. */
function outsideOf(commands: readonly Command[], { homes }: HomeKeeper, known: ReadonlyMap<GPUBuffer, DataId>): Outside[] {
  const homeOf = new Map(homes.map((home) => [home.buffer, home]))
  const used = new Set<GPUBuffer>()
  for (const command of commands) for (const buffer of buffersOf(command)) if (!isLogical(buffer)) used.add(buffer)
  return Array.from(used, (buffer) => {
    const home = homeOf.get(buffer)
    return { buffer, dataId: home?.dataId ?? known.get(buffer)!, variable: home?.variable }
  })
}

function keptOf(backend: WebGPUBackend, recorder: Recorder, made: Iterable<DataId>): Kept[] {
  return [...made]
    .filter((dataId) => backend.tensorMap.has(dataId))
    .map((dataId) => backend.tensorMap.get(dataId))
    .filter(({ resource }) => resource)
    .map((data) => ({ data, buffer: recorder.refer(data.resource!) as LogicalBuffer }))
}

/** Gives up a capture that is not going to be executed. */
export function discard({ kept }: Capture): void {
  for (const { data } of kept) poison(data)
}

/** The step was not executed, so a tensor that it leaves behind has no values: not a number is better than old memory. */
function poison(data: TensorData): void {
  data.resource = null
  data.values = new Float32Array(byteLength(data.shape) / 4).fill(Number.NaN)
}
