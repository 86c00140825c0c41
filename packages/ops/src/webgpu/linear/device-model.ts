import { isSoftwareAdapter } from '../../software-adapter.js'

/** What plans assume of a device, since WebGPU tells none of it. */
export interface DeviceModel {
  /** Multiprocessors, compute units, cores: a workgroup runs on one of them. */
  readonly processors: number
  /** float32 multiply-adds that one processor does in a second. */
  readonly rate: number
  readonly bytesPerSecond: number
  /** Values of four bytes that the registers of one processor hold: how many workgroups it runs at once. */
  readonly registers: number
  /** Results of a product that one thread can hold without spilling any to memory. */
  readonly accumulators: number
  /** Seconds that one more dispatch takes beside its work. */
  readonly launch: number
}

/**
 * Of each class the small members that are sold, not the large ones: where there are fewer processors than assumed, a depth is cut into parts that only cost bytes;
 * where there are more, some idle. Numbers of vendors' data sheets, rounded down; `tune` replaces what follows from them by measured plans.
 */
export const DEVICE_MODELS = {
  /** SwiftShader, llvmpipe: a few cores of a CPU with vectors of four. */
  software: { processors: 4, rate: 1e10, bytesPerSecond: 1e10, registers: 4096, accumulators: 64, launch: 5e-5 },
  /** Adreno, Mali, PowerVR: 64 multiply-adds a cycle at 0.8 GHz, memory that the CPU shares. */
  mobile: { processors: 4, rate: 5e10, bytesPerSecond: 3e10, registers: 16384, accumulators: 64, launch: 3e-5 },
  /** Intel's, and whatever is not known: 128 a cycle at 1.2 GHz. */
  integrated: { processors: 8, rate: 1.5e11, bytesPerSecond: 6e10, registers: 32768, accumulators: 64, launch: 1e-5 },
  /** The least M1: 8 cores of 128 a cycle at 1.3 GHz. */
  apple: { processors: 8, rate: 1.6e11, bytesPerSecond: 7e10, registers: 49152, accumulators: 64, launch: 1e-5 },
  /** Cards of NVIDIA and AMD: 128 a cycle at 1.7 GHz. */
  discrete: { processors: 32, rate: 2.2e11, bytesPerSecond: 3e11, registers: 65536, accumulators: 128, launch: 5e-6 },
  /** A100, Instinct and what came after them. */
  datacentre: { processors: 108, rate: 1.8e11, bytesPerSecond: 1.5e12, registers: 65536, accumulators: 128, launch: 3e-6 },
  /** H100 and H200 with HBM3: 128 a cycle at 1.75 GHz. */
  hopper: { processors: 132, rate: 2.2e11, bytesPerSecond: 3e12, registers: 65536, accumulators: 128, launch: 3e-6 },
} as const satisfies { readonly [name: string]: DeviceModel }

export type DeviceClass = keyof typeof DEVICE_MODELS

const VENDORS: readonly (readonly [RegExp, DeviceClass])[] = [
  [/^(nvidia|amd)$/, 'discrete'],
  [/^apple$/, 'apple'],
  [/^(qualcomm|arm|img-tec|imagination|samsung|broadcom)$/, 'mobile'],
]

/** Names as vendors write them, and as Dawn does: `NVIDIA H100 80GB HBM3`, `nvidia-h100-80gb-hbm3`. */
const HOPPER = /\bG?H[12]00(?!\d)/i
const DATACENTRE = /\b(A100|G?B[123]00|MI[1-9]\d{2})(?!\d)/i

/** The class of an adapter by what it tells of itself; `integrated` where that is nothing known. */
export function deviceClassOf(info: Partial<GPUAdapterInfo>): DeviceClass {
  if (isSoftwareAdapter(info)) return 'software'
  const { vendor = '', architecture = '', device = '', description = '' } = info
  const name = `${device} ${description}`
  if (/^hopper$/i.test(architecture) || HOPPER.test(name)) return 'hopper'
  if (/^cdna.*$/i.test(architecture) || DATACENTRE.test(name)) return 'datacentre'
  return VENDORS.find(([pattern]) => pattern.test(vendor.toLowerCase()))?.[1] ?? 'integrated'
}

/** @throws where a number is not above zero, or not known */
export function checkDeviceModel(model: Partial<DeviceModel>): void {
  for (const [name, value] of Object.entries(model)) {
    if (!Object.hasOwn(DEVICE_MODELS.integrated, name)) {
      throw new Error(`a device model has ${Object.keys(DEVICE_MODELS.integrated).join(', ')}; got '${name}'`)
    }
    if (!(typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new Error(`${name} of a device model must be a number above 0; got ${value}`)
    }
  }
}
