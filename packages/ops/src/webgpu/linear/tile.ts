import type { DeviceModel } from './device-model.js'

/** Rows and columns of a result that one workgroup computes. */
export interface TileSize {
  readonly rows: number
  readonly columns: number
  /** Share of the peak rate that the tile is expected to reach on a device full of work: larger tiles read less per operation. */
  readonly efficiency: number
  /** The same where left is summed as well, as in weight gradients; default `efficiency`. */
  readonly summing?: number
  /** Values of four bytes that a thread is expected to hold: how many workgroups a processor runs at once follows from them. */
  readonly registers: number
}

/** How a tile is cut: each thread holds threadRows x threadColumns of it in registers. */
export interface Tile extends TileSize {
  readonly threadRows: 4 | 8
  readonly threadColumns: 4 | 8
}

/** Depth of the slices that a workgroup stages. */
export const SLICE = 16

/** Widths of DeiT divide by 96 and by 64, those of its perceptrons by 128. Efficiencies and registers explain the times of its products on an H100 (benchmarks/NOTES.md, "What a compiler makes of a loop"). */
export const TILES: readonly Tile[] = [
  { rows: 64, columns: 128, threadRows: 8, threadColumns: 8, efficiency: 0.79, summing: 0.42, registers: 160 },
  { rows: 128, columns: 64, threadRows: 8, threadColumns: 8, efficiency: 0.75, summing: 0.42, registers: 160 },
  { rows: 64, columns: 64, threadRows: 8, threadColumns: 8, efficiency: 0.76, summing: 0.4, registers: 160 },
  { rows: 64, columns: 96, threadRows: 8, threadColumns: 8, efficiency: 0.7, summing: 0.46, registers: 160 },
  { rows: 64, columns: 32, threadRows: 8, threadColumns: 4, efficiency: 0.5, summing: 0.3, registers: 104 },
  { rows: 32, columns: 32, threadRows: 4, threadColumns: 4, efficiency: 0.36, summing: 0.27, registers: 96 },
]

export const threadsOf = (tile: Tile): number => (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns)

/** What a workgroup takes of a device: threads, bytes of workgroup memory, and results that each thread holds in registers. */
export interface Needs {
  readonly threads: number
  readonly bytes: number
  readonly accumulators: number
}

/** Tiles of one kind of program, and what a workgroup of each takes. */
export interface TileFamily<T extends TileSize> {
  /** Of the arithmetic: `f32`, or a matrix unit's. */
  readonly name: string
  readonly tiles: readonly T[]
  needs(tile: T): Needs
}

/** The tiles of `productProgram`. */
export const FLOAT_TILES: TileFamily<Tile> = {
  name: 'f32',
  tiles: TILES,
  needs: (tile) => ({
    threads: threadsOf(tile),
    bytes: (tile.rows / 4 + 1 + tile.columns / 4 + 1) * SLICE * 16,
    accumulators: tile.threadRows * tile.threadColumns,
  }),
}

/** The limits of a device that plans keep. */
export type PlanLimits = Pick<
  GPUSupportedLimits,
  | 'maxComputeInvocationsPerWorkgroup'
  | 'maxComputeWorkgroupSizeX'
  | 'maxComputeWorkgroupStorageSize'
  | 'maxComputeWorkgroupsPerDimension'
  | 'maxStorageBufferBindingSize'
>

/** What plans are made for: what a device states, and what is assumed of it. */
export interface PlanDevice {
  readonly limits: PlanLimits
  readonly model: DeviceModel
}

/** A product's result and depth, and whether the depth may be cut, so that a small result gives all processors work; a second dispatch adds the parts. */
export interface ProductSize {
  readonly rows: number
  readonly columns: number
  readonly depth: number
  readonly divisible: boolean
}

/** What one workgroup that is nearly alone on a processor reaches of what all that fit reach together, as an H100's times say: each waits for memory, and others fill that time. */
const ALONE = 0.54

/** Parts of a depth are whole slices, those of mixed precision too. */
const SHARE_STEP = 2 * SLICE

/** The tile of a product, into how many parts its depth is cut, and the depth of a part. */
export interface Plan<T extends TileSize = TileSize> {
  readonly tile: T
  readonly parts: number
  readonly share: number
}

/**
 * The plan with a tile and about as many parts, which are whole slices and none of them empty.
 *
 * @returns undefined where the device's limits forbid it
 */
export function planOf<T extends TileSize>(
  family: TileFamily<T>,
  tile: T,
  parts: number,
  { rows, columns, depth, divisible }: ProductSize,
  limits: PlanLimits,
): Plan<T> | undefined {
  if (!fitsWorkgroup(family.needs(tile), limits)) return undefined
  const share = Math.min(depth, Math.ceil(depth / parts / SHARE_STEP) * SHARE_STEP)
  const whole = Math.ceil(depth / share)
  if (whole > 1 && (!divisible || 4 * whole * rows * columns > limits.maxStorageBufferBindingSize)) return undefined
  const workgroups = [Math.ceil(rows / tile.rows), Math.ceil(columns / tile.columns), whole]
  if (Math.max(...workgroups) > limits.maxComputeWorkgroupsPerDimension) return undefined
  return { tile, parts: whole, share }
}

const threadsAllowed = (limits: PlanLimits): number => Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX)

const fitsWorkgroup = ({ threads, bytes }: Needs, limits: PlanLimits): boolean =>
  threads <= threadsAllowed(limits) && bytes <= limits.maxComputeWorkgroupStorageSize

/** Workgroups that all processors together run at once. */
function atOnce<T extends TileSize>(family: TileFamily<T>, tile: T, { processors, registers }: DeviceModel): number {
  return processors * Math.max(1, Math.floor(registers / (family.needs(tile).threads * tile.registers)))
}

/** Every plan worth a thought: each tile whose results registers hold, undivided and with enough parts to give each processor one workgroup, half of what it runs at once, that, and twice that. */
export function plansOf<T extends TileSize>(family: TileFamily<T>, size: ProductSize, { limits, model }: PlanDevice): Plan<T>[] {
  const fitting = family.tiles.filter((tile) => family.needs(tile).accumulators <= model.accumulators)
  const plans = fitting.flatMap((tile) => {
    const count = Math.ceil(size.rows / tile.rows) * Math.ceil(size.columns / tile.columns)
    const all = atOnce(family, tile, model)
    const wanted = size.divisible ? [0, model.processors, all / 2, all, 2 * all] : [0]
    return wanted.flatMap((workgroups) => planOf(family, tile, Math.max(Math.floor(workgroups / count), 1), size, limits) ?? [])
  })
  return plans.filter((plan, i) => plans.findIndex(({ tile, parts }) => tile === plan.tile && parts === plan.parts) === i)
}

/** Seconds that a plan is expected to take: rounds of all workgroups that run at once, what hangs over the edges included, a last round for the rest, and the adding of parts. */
function expectedSeconds<T extends TileSize>(
  family: TileFamily<T>,
  { tile, parts, share }: Plan<T>,
  { rows, columns, divisible }: ProductSize,
  model: DeviceModel,
): number {
  const { processors, rate, bytesPerSecond, launch } = model
  const workgroups = Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns) * parts
  const together = atOnce(family, tile, model)
  const rest = workgroups % together
  const left = Math.ceil(rest / processors)
  const each = (workgroups - rest) / processors + left / (ALONE + ((1 - ALONE) * left * processors) / together)
  const work = (each * tile.rows * tile.columns * share) / (rate * (divisible ? (tile.summing ?? tile.efficiency) : tile.efficiency))
  // Each value of each part is written and read again.
  return work + (parts > 1 ? launch + (8 * parts * rows * columns) / bytesPerSecond : 0)
}

/**
 * The plan of least expected time among those that the device's limits allow.
 *
 * @throws where there is none
 */
export function choosePlan<T extends TileSize>(family: TileFamily<T>, size: ProductSize, device: PlanDevice): Plan<T> {
  const plans = plansOf(family, size, device).map((plan) => ({ plan, seconds: expectedSeconds(family, plan, size, device.model) }))
  if (plans.length === 0) throw new Error(whyNoPlan(family, size, device))
  return plans.reduce((best, next) => (next.seconds < best.seconds ? next : best)).plan
}

function whyNoPlan<T extends TileSize>(
  family: TileFamily<T>,
  { rows, columns, depth }: ProductSize,
  { limits, model }: PlanDevice,
): string {
  const product = `a product [${rows}, ${depth}] x [${depth}, ${columns}]`
  const needs = family.tiles.map((tile) => family.needs(tile))
  const held = needs.filter(({ accumulators }) => accumulators <= model.accumulators)
  if (held.length === 0) {
    const least = Math.min(...needs.map(({ accumulators }) => accumulators))
    return `${product} has no tile: each thread holds at least ${least} results of it, and the device model has accumulators ${model.accumulators}; give setDeviceModel accumulators of ${least} or more`
  }
  if (!held.some((need) => fitsWorkgroup(need, limits))) {
    const [threads, bytes] = [Math.min(...held.map(({ threads }) => threads)), Math.min(...held.map(({ bytes }) => bytes))]
    return `${product} has no tile: a workgroup takes at least ${threads} threads and ${bytes} bytes, and this GPU allows ${threadsAllowed(limits)} and ${limits.maxComputeWorkgroupStorageSize}; only a GPU with larger limits can compute it`
  }
  return `${product} is beyond this GPU's limit of ${limits.maxComputeWorkgroupsPerDimension} workgroups; take a smaller batch`
}
