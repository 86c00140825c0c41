import { provideKernels } from './provide-kernels.js'
import { type AdapterFacts, factsOf } from './webgpu/adapter-facts.js'
import { attentionKernels } from './webgpu/attention/kernels.js'
import { adapterInfoOf, type WebGPUBackend } from './webgpu/backend.js'
import { guardKernels } from './webgpu/guard/kernels.js'
import { layerNormKernels } from './webgpu/layer-norm/kernels.js'
import type { DeviceModel } from './webgpu/linear/device-model.js'
import { linearKernels } from './webgpu/linear/kernels.js'
import { assumeUnit, roundingMatrices, unitOf } from './webgpu/linear/matrix-unit.js'
import { assumeDevice, setTunedPlans } from './webgpu/linear/planning.js'
import { lossKernels } from './webgpu/losses/kernels.js'
import { optimizerKernels } from './webgpu/optimizer/kernels.js'
import { pixelKernels } from './webgpu/pixels.js'
import { identityOf, parseTable, type TuningTable, tableName } from './webgpu/tuning/table.js'
import { currentBackend } from './webgpu/tuning/tune.js'

// This package's own WGSL kernels.
provideKernels<WebGPUBackend>('webgpu', (backend) => ({
  ...attentionKernels(backend),
  ...guardKernels(backend),
  ...layerNormKernels(backend),
  ...linearKernels(backend),
  LearngeneMixedPrecision: () => {
    const found = unitOf(backend)
    if (typeof found === 'string') throw new Error(found)
    return []
  },
  ...lossKernels(backend),
  ...optimizerKernels(backend),
  ...pixelKernels(backend),
}))

/**
 * The table that a text of {@link tune} holds.
 *
 * @throws Error of one line where it is damaged, or of another adapter than the current backend's or other kernels; where the current backend is not webgpu
 */
export function parseTuning(text: string): TuningTable {
  return parseTable(text, identityOf(adapterInfoOf(currentBackend())))
}

/** Has the current webgpu backend compute products by a table's plans, wherever its limits allow. @throws as {@link parseTuning} */
export function useTuning(text: string): void {
  setTunedPlans(currentBackend(), parseTuning(text).plans)
}

/**
 * Has the current webgpu backend plan products for a device of these properties in place of those of its class: `processors`, `rate` (multiply-adds of one in a
 * second), `bytesPerSecond`, `registers` (values of four bytes in those of one), `accumulators` (results that a thread holds), `launch` (seconds of a dispatch beside its
 * work).
 *
 * @throws where a number is not above 0; where the current backend is another
 */
export function setDeviceModel(model: Partial<DeviceModel>): void {
  assumeDevice(currentBackend(), model)
}

/**
 * Has the current webgpu backend compute mixed precision without matrix units, in float32 with factors rounded to float16: slowly, for tests on any device with 32 KiB of workgroup memory.
 *
 * @param emulated false takes it back
 * @throws where the current backend is another
 */
export function emulateMatrixUnits(emulated: boolean): void {
  assumeUnit(currentBackend(), emulated ? roundingMatrices() : undefined)
}

/** The name of the file that a table of the current webgpu backend's adapter is kept in. @throws where the current backend is another */
export function tuningFile(): string {
  return tableName(identityOf(adapterInfoOf(currentBackend())))
}

/** What the adapter of the current webgpu backend tells of itself. @throws where the current backend is another */
export function adapterFacts(): AdapterFacts {
  return factsOf(currentBackend())
}

export type { AdapterFacts } from './webgpu/adapter-facts.js'
export type { DeviceModel } from './webgpu/linear/device-model.js'
export type { CountedStep, WatchedShape } from './webgpu/linear/planning.js'
export type { TimedPlan } from './webgpu/tuning/search-plans.js'
export type { MeasuredPlan, TuningTable } from './webgpu/tuning/table.js'
export { productsOf, type TuneOptions, tune, tuningTable } from './webgpu/tuning/tune.js'
