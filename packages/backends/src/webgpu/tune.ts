import type { CountedStep, MeasuredPlan, TuneOptions as ShapeOptions, TuningTable } from '@learngene/ops/webgpu'
import { firstLine } from '../import-package.js'

/** `seconds` that finding the products and measuring them may take; default 20. */
type TuneOptions = Omit<ShapeOptions, 'spent' | 'onPlan'>

/** What a tuning has come to. */
export interface Tuning {
  /** Shapes of products that the step has. */
  readonly shapes: number
  /** The plans that were measured now, by shape, with the milliseconds of a product by them and by the plan that needs no measuring. */
  readonly plans: { readonly [key: string]: MeasuredPlan }
  /** Seconds of the time that went by before the first measurement, as the step was run once to find its products. */
  readonly findingSeconds: number
  /** Where they are kept; null in a page that may keep nothing, and where keeping them failed. */
  readonly file: string | null
}

/**
 * Times the ways in which the webgpu backend may compute the matrix products of a step, has it use the fastest from now on, and keeps them for this adapter, beside those
 * of other models: they are used whenever webgpu is started here. Each is kept as it is found, so that they are there whatever ends the tuning. Sums are then added in another order, so results differ by rounding.
 *
 * @param step runs forward and, to tune training, backward once; it must not wait for anything. Several are tuned together, what is computed most and longest first
 * @param options `seconds` that it may take (default 20), in which each step is run once, however long that takes; `onShape`, `signal`
 * @throws where the current backend is not webgpu; where plans cannot be kept, before anything is run; what the step throws; the signal's reason
 */
export async function tune(step: (() => void) | readonly CountedStep[], options: TuneOptions = {}): Promise<Tuning> {
  const [kernels, { tuningStore }] = await Promise.all([import('@learngene/ops/webgpu'), import('./tuning-store.js')])
  const name = kernels.tuningFile()
  const store = tuningStore()
  const keep = (plans: TuningTable['plans']) =>
    store?.update(name, (kept) => `${JSON.stringify(merged(kept, kernels.tuningTable(plans), kernels.parseTuning), null, 2)}\n`)
  const whyNot = (error: unknown) => `measured plans cannot be kept in ${store?.place}: ${firstLine(error)}; ${store?.remedy}`
  try {
    await keep({})
  } catch (error) {
    throw new Error(whyNot(error), { cause: error })
  }
  const began = performance.now()
  const shapes = kernels.productsOf(step)
  const findingSeconds = (performance.now() - began) / 1000
  let isKept = store !== undefined
  const onPlan = async (key: string, plan: MeasuredPlan) => {
    if (!isKept) return
    try {
      await keep({ [key]: plan })
    } catch (error) {
      isKept = false
      console.warn(`@learngene/backends: ${whyNot(error)}`)
    }
  }
  const { plans } = await kernels.tune(shapes, { ...options, spent: findingSeconds, onPlan })
  return { shapes: shapes.length, plans, findingSeconds, file: store && isKept ? `${store.place}/${name}` : null }
}

/** What is kept already, where it still holds, and what was measured now. */
function merged(kept: string | undefined, table: TuningTable, parse: (text: string) => TuningTable): TuningTable {
  if (kept === undefined) return table
  try {
    return { ...table, plans: { ...parse(kept).plans, ...table.plans } }
  } catch {
    return table
  }
}
