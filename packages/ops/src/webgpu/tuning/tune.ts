import { engine, getBackend, type TensorInfo, util } from '@tensorflow/tfjs-core'
import { adapterInfoOf, type WebGPUBackend } from '../backend.js'
import { compileAhead, dispatch, grid, newTensor, type Program } from '../dispatch.js'
import { newMatrix } from '../linear/halves.js'
import { type Factor, multiply, multiplyAndSum, programsOf, withFamily } from '../linear/multiply.js'
import {
  type CountedStep,
  type ProductShape,
  planDevice,
  planProduct,
  setTunedPlans,
  shapeKey,
  type TunedPlan,
  tunedPlansOf,
  type WatchedShape,
  watchProducts,
} from '../linear/planning.js'
import { type Plan, plansOf } from '../linear/tile.js'
import { type PlannedShape, searchPlans, type TimedPlan } from './search-plans.js'
import { identityOf, kernelsVersion, type MeasuredPlan, type TuningTable } from './table.js'
import { createTimer, type GpuTimer } from './timer.js'

export interface TuneOptions {
  /** The time that it may take; default 20. The measurement that is under way then ends first; programs that are still being compiled are not waited for. */
  readonly seconds?: number
  /** Seconds of it that are over already, as finding the shapes takes some; default 0. */
  readonly spent?: number
  /** Leaves shapes alone that have a plan already. */
  readonly onlyNew?: boolean
  /** Told before each shape. */
  readonly onShape?: (done: number, total: number) => void
  /** Told of each plan once it is found, and waited for: whoever keeps it has it whatever ends the tuning. */
  readonly onPlan?: (key: string, plan: MeasuredPlan) => void | Promise<void>
  /** Told of each shape what its plans took. */
  readonly onMeasured?: (key: string, plans: readonly TimedPlan[]) => void
  readonly signal?: AbortSignal | undefined
  /** ms; default performance.now */
  readonly now?: () => number
}

/**
 * Times the plans that the current webgpu backend may compute products of these shapes by, and has it use the fastest from now on, those found before it was ended too. A plan that the driver cannot
 * compile, or that fails, is none.
 *
 * @param shapes of {@link productsOf}
 * @returns what was found, as a table to be kept
 * @throws where the current backend is another; the signal's reason; what fails on a lost device, or of every shape; what `onPlan` throws
 */
export async function tune(shapes: readonly WatchedShape[], options: TuneOptions = {}): Promise<TuningTable> {
  const { seconds = 20, spent = 0, onlyNew = false, onShape, onMeasured, signal, now = () => performance.now() } = options
  if (!(seconds > 0)) throw new Error(`seconds must be a number above 0; got ${seconds}`)
  const backend = currentBackend()
  const before = tunedPlansOf(backend)
  const timer = createTimer(backend)
  const plans: { [key: string]: MeasuredPlan } = {}
  try {
    setTunedPlans(backend, {})
    const planned = shapes
      .map((watched) => ({ ...plannedShape(backend, watched), shape: watched.shape }))
      .filter(({ key, candidates }) => candidates.length > 1 && !(onlyNew && Object.hasOwn(before, key)))
      .sort((a, b) => b.weight - a.weight)
    const products = new Map(planned.map(({ key, shape }) => [key, shape]))
    const bench = createBench(backend, timer)
    try {
      const measure = ({ key }: PlannedShape, plan: TunedPlan) => bench.measure(key, products.get(key)!, plan)
      const prepare = async ({ key, candidates }: PlannedShape) => {
        const programs = programsOf(backend, products.get(key)!, candidates)
        const failed = await compileAhead(backend, programs)
        const [untuned] = programs
        if (untuned && failed.has(untuned.key)) throw failed.get(untuned.key)
        return candidates.filter((_, i) => !failed.has(programs[i]!.key))
      }
      await searchPlans(planned, {
        prepare,
        measure,
        isLost: () => isLost(backend),
        seconds: seconds - spent,
        now,
        onPlan(key, plan) {
          plans[key] = plan
          return options.onPlan?.(key, plan)
        },
        signal,
        ...(onShape && { onShape }),
        ...(onMeasured && { onMeasured }),
      })
    } finally {
      bench.free()
    }
  } finally {
    timer.destroy()
    setTunedPlans(backend, { ...before, ...plans })
  }
  return tuningTable(plans)
}

/** A table of plans of the current webgpu backend's adapter, for these kernels. @throws where the current backend is another */
export function tuningTable(plans: TuningTable['plans']): TuningTable {
  return { schema: 1, kernels: kernelsVersion(), adapter: identityOf(adapterInfoOf(currentBackend())), plans }
}

/** What fails on a device that is being lost may be met before the loss is told, in ms. */
const LOSS_MS = 100

const isLost = ({ device }: WebGPUBackend): Promise<boolean> =>
  Promise.race([device.lost.then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, LOSS_MS, false))])

/**
 * The shapes of the products that a function, which does not wait, has the current webgpu backend compute; or several, each as many times as it counts.
 *
 * @throws where the current backend is another, or a step counts no times; what a step throws
 */
export function productsOf(work: (() => void) | readonly CountedStep[]): WatchedShape[] {
  return watchProducts(currentBackend(), typeof work === 'function' ? [{ step: work, times: 1 }] : work)
}

export function currentBackend(): WebGPUBackend {
  if (getBackend() !== 'webgpu') throw new Error(`plans are those of the webgpu backend; the current one is ${getBackend()}`)
  return engine().backend as WebGPUBackend
}

/** The plan without a table first, then the others, and the share of the time: the root of the work, so that small products are measured too. */
function plannedShape(backend: WebGPUBackend, { shape, count }: WatchedShape): PlannedShape {
  return withFamily(backend, shape, ({ family }) => {
    const key = shapeKey(family.name, shape)
    const tuned = ({ tile, parts }: Plan): TunedPlan => ({ rows: tile.rows, columns: tile.columns, parts })
    const untuned = tuned(planProduct(backend, family, shape))
    const isUntuned = (plan: TunedPlan) => plan.rows === untuned.rows && plan.columns === untuned.columns && plan.parts === untuned.parts
    const others = plansOf(family, shape, planDevice(backend))
      .map(tuned)
      .filter((plan) => !isUntuned(plan))
    return { key, candidates: [untuned, ...others], weight: Math.sqrt(count * shape.rows * shape.columns * shape.depth) }
  })
}

/** What a measurement should take, so that the clock and the launch do not count, in ms. */
const SAMPLE_MS = { device: 5, host: 10 }
const MOST_REPEATS = 500

/** By how much more is repeated at once: one pass that takes seconds is ended by the watchdogs of systems. */
const GROWTH = 8

/** How often to repeat what took so many ms in so many repetitions, so that it takes `wanted` ms. */
export function repeatsAfter(times: number, ms: number, wanted: number): number {
  if (ms >= wanted) return times
  return Math.min(Math.ceil(times * Math.min(wanted / Math.max(ms, 0), GROWTH)), MOST_REPEATS)
}

/** What a device works on a new shape before it is measured, in ms: it may have waited for the programs' compilation, and works at a low clock then, an H100 at 345 MHz instead of 1980. */
const WAKE_MS = 100

function createBench(backend: WebGPUBackend, timer: GpuTimer) {
  const repeats = new Map<string, number>()
  let current: { readonly key: string; readonly tensors: readonly TensorInfo[]; readonly run: () => void } | undefined
  const free = () => {
    for (const { dataId } of current?.tensors ?? []) backend.disposeData(dataId)
    current = undefined
  }
  return {
    free,
    async measure(key: string, shape: ProductShape, plan: TunedPlan): Promise<number> {
      setTunedPlans(backend, { [key]: plan })
      const id = `${key} ${plan.rows}x${plan.columns} ${plan.parts}`
      const wanted = SAMPLE_MS[timer.clock]
      const sample = async () => {
        const times = repeats.get(id) ?? 1
        const ms = await timer.time(current!.run, times)
        repeats.set(id, repeatsAfter(times, ms, wanted))
        // Times of a table are above 0, whatever the clocks say.
        return { ms: Math.max(ms / times, 1e-6), isLong: ms >= wanted / 2 || times === MOST_REPEATS }
      }
      if (current?.key !== key) {
        free()
        current = { key, ...productOn(backend, shape) }
        const began = performance.now()
        while (performance.now() - began < WAKE_MS) await sample()
      }
      for (;;) {
        const { ms, isLong } = await sample()
        if (isLong) return ms
      }
    },
  }
}

/** A product of drawn values and what it is of, stored as the shape's are. */
function productOn(backend: WebGPUBackend, shape: ProductShape) {
  const { rows, columns, depth, divisible, halves } = shape
  const factor = (name: 'left' | 'right', outer: number): Factor => {
    const half = halves.includes(name)
    return shape[name] === 'depth'
      ? { matrix: drawn(backend, [outer, depth], half), depth: 'columns' }
      : { matrix: drawn(backend, [depth, outer], half), depth: 'rows' }
  }
  const [a, b] = [factor('left', rows), factor('right', columns)]
  const [result, sums] = [newMatrix(backend, [rows, columns], halves.includes('result')), newTensor(backend, [rows])]
  const run = () => (divisible ? multiplyAndSum(backend, a, b, result, sums) : multiply(backend, a, b, result))
  return { run, tensors: [a.matrix, b.matrix, result, sums] }
}

/** A matrix of values from -1 to 1: zeros would take a device less power, and so less time. */
function drawn(backend: WebGPUBackend, size: readonly [number, number], half: boolean): TensorInfo {
  const result = newMatrix(backend, size, half)
  const count = util.sizeFromShape(result.shape)
  dispatch(backend, drawProgram(half), { result }, { count }, grid(Math.ceil(count / DRAW_THREADS)))
  return result
}

const DRAW_THREADS = 256

/** Writes float32, or pairs of float16. */
const drawProgram = (half: boolean): Program => ({
  key: `learngene draw ${half ? 'float16' : 'float32'}`,
  storage: { result: { type: half ? 'array<u32>' : 'array<f32>', write: true } },
  uniforms: { count: 'u32' },
  workgroupSize: [DRAW_THREADS, 1, 1],
  code: `
fn value(bits: u32) -> f32 { return f32(bits & 0xffffu) / 32768.0 - 1.0; }
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let at = (group.y * groups.x + group.x) * ${DRAW_THREADS}u + thread;
  if (at >= u.count) { return; }
  let mixed = (at ^ (at >> 16u)) * 0x7feb352du;
  let bits = mixed ^ (mixed >> 15u);
  result[at] = ${half ? 'pack2x16float(vec2f(value(bits), value(bits >> 16u)))' : 'value(bits)'};
}`,
})
