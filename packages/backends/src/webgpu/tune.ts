import type { CountedStep, MeasuredPlan, TuneOptions, TuningTable } from '@learngene/ops/webgpu'

/** What a tuning has come to. */
export interface Tuning {
  /** Shapes of products that the step has. */
  readonly shapes: number
  /** The plans that were measured now, by shape, with the milliseconds of a product by them and by the plan that needs no measuring. */
  readonly plans: { readonly [key: string]: MeasuredPlan }
  /** Where they are kept; null in a page that may keep nothing. */
  readonly file: string | null
}

/**
 * Times the ways in which the webgpu backend may compute the matrix products of a step, has it use the fastest from now on, and keeps them for this adapter, beside those
 * of other models: they are used whenever webgpu is started here. Sums are then added in another order, so results differ by rounding.
 *
 * @param step runs forward and, to tune training, backward once; it must not wait for anything. Several are tuned together, what is computed most and longest first
 * @param options `seconds` that it may take (default 20), `onShape`, `signal`
 * @throws where the current backend is not webgpu; what the step throws; where the plans cannot be kept; the signal's reason
 */
export async function tune(step: (() => void) | readonly CountedStep[], options: TuneOptions = {}): Promise<Tuning> {
  const [kernels, { tuningStore }] = await Promise.all([import('@learngene/ops/webgpu'), import('./tuning-store.js')])
  const name = kernels.tuningFile()
  const shapes = kernels.productsOf(step)
  const store = tuningStore()
  const table = await kernels.tune(shapes, options)
  await store?.write(
    name,
    `${JSON.stringify(merged(await store.read(name).catch(() => undefined), table, kernels.parseTuning), null, 2)}\n`,
  )
  return { shapes: shapes.length, plans: table.plans, file: store ? `${store.place}/${name}` : null }
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
