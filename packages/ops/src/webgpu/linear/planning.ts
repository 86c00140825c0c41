import { adapterInfoOf, type WebGPUBackend } from '../backend.js'
import { checkDeviceModel, DEVICE_MODELS, type DeviceModel, deviceClassOf } from './device-model.js'
import { choosePlan, type Plan, type PlanDevice, type ProductSize, planOf, type TileFamily, type TileSize } from './tile.js'

/** Which of the two dimensions of a factor lies contiguous in memory. */
type Contiguous = 'depth' | 'outer'

/** A matrix of a product: a factor, or what it computes. */
export type ProductMatrix = 'left' | 'right' | 'result'

/** A product as plans see it. Divisible are weight gradients. */
export interface ProductShape extends ProductSize {
  readonly left: Contiguous
  readonly right: Contiguous
  /** The matrices that are stored as float16, in the order of ProductMatrix: half the bytes to read or write, by programs of their own. */
  readonly halves: readonly ProductMatrix[]
}

/** What the products of one shape are computed by: the tile by its rows and columns, and the parts of the depth. */
export interface TunedPlan {
  readonly rows: number
  readonly columns: number
  readonly parts: number
}

/** Plans by `shapeKey`. */
export type TunedPlans = { readonly [key: string]: TunedPlan }

/** A shape's name in tables: `f32 depth depth 12608x576x192`, `f16 16x16x16 depth depth 12608x192x768 half left`. */
export function shapeKey(family: string, { left, right, rows, columns, depth, halves }: ProductShape): string {
  const stored = halves.length > 0 ? ` half ${halves.join('+')}` : ''
  return `${family} ${left} ${right} ${rows}x${columns}x${depth}${stored}`
}

interface Planning {
  readonly device: PlanDevice
  readonly tuned: TunedPlans
  /** Hears the shape of every product, by its key, and counts it so many times. */
  readonly watch: { readonly shapes: Map<string, WatchedShape>; readonly times: number } | undefined
}

export interface WatchedShape {
  readonly shape: ProductShape
  /** Products of this shape. */
  readonly count: number
}

/** A function that does not wait, and how many times it is run in whatever is tuned: its products count so many times. */
export interface CountedStep {
  readonly step: () => void
  readonly times: number
}

const plannings = new WeakMap<WebGPUBackend, Planning>()

/** The device's limits, and the model of its class. */
function planDeviceOf(backend: WebGPUBackend): PlanDevice {
  return { limits: backend.device.limits, model: DEVICE_MODELS[deviceClassOf(adapterInfoOf(backend))] }
}

function planningOf(backend: WebGPUBackend): Planning {
  let planning = plannings.get(backend)
  if (!planning) {
    planning = { device: planDeviceOf(backend), tuned: {}, watch: undefined }
    plannings.set(backend, planning)
  }
  return planning
}

const change = (backend: WebGPUBackend, changed: Partial<Planning>) => void plannings.set(backend, { ...planningOf(backend), ...changed })

/** Has products planned by these plans wherever their shapes are in it and the device's limits allow; by the device's model else. */
export function setTunedPlans(backend: WebGPUBackend, tuned: TunedPlans): void {
  change(backend, { tuned })
}

export const tunedPlansOf = (backend: WebGPUBackend): TunedPlans => planningOf(backend).tuned

/**
 * Has plans made for a device of these properties in place of those of its class.
 *
 * @throws where a number is not above 0
 */
export function assumeDevice(backend: WebGPUBackend, model: Partial<DeviceModel>): void {
  checkDeviceModel(model)
  const { device } = planningOf(backend)
  change(backend, { device: { ...device, model: { ...device.model, ...model } } })
}

/** The plan of a product: the tuned one where there is one that the limits allow, else that of least expected time. */
export function planProduct<T extends TileSize>(backend: WebGPUBackend, family: TileFamily<T>, shape: ProductShape): Plan<T> {
  const { device, tuned, watch } = planningOf(backend)
  const key = shapeKey(family.name, shape)
  if (watch) watch.shapes.set(key, { shape, count: (watch.shapes.get(key)?.count ?? 0) + watch.times })
  return tunedPlan(family, shape, device, Object.hasOwn(tuned, key) ? tuned[key] : undefined) ?? choosePlan(family, shape, device)
}

function tunedPlan<T extends TileSize>(
  family: TileFamily<T>,
  shape: ProductShape,
  { limits }: PlanDevice,
  tuned?: TunedPlan,
): Plan<T> | undefined {
  const tile = tuned && family.tiles.find(({ rows, columns }) => rows === tuned.rows && columns === tuned.columns)
  return tile && planOf(family, tile, tuned.parts, shape, limits)
}

/** What the backend's products are planned for. */
export const planDevice = (backend: WebGPUBackend): PlanDevice => planningOf(backend).device

/**
 * The shapes of all products that steps give to the device, each once with its count.
 *
 * @throws where a step counts no times; what a step throws
 */
export function watchProducts(backend: WebGPUBackend, steps: readonly CountedStep[]): WatchedShape[] {
  const shapes = new Map<string, WatchedShape>()
  try {
    for (const { step, times } of steps) {
      if (!(times > 0 && times < Number.POSITIVE_INFINITY)) throw new Error(`times of a step must be a number above 0; got ${times}`)
      change(backend, { watch: { shapes, times } })
      step()
    }
  } finally {
    change(backend, { watch: undefined })
  }
  return [...shapes.values()]
}
