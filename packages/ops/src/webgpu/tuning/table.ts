import { shader } from '../dispatch.js'
import type { Halves } from '../linear/halves.js'
import { emulatedMatrices, subgroupMatrices } from '../linear/matrix-unit.js'
import { MIXED_TILES, mixedProductProgram } from '../linear/mixed-product.js'
import type { TunedPlan } from '../linear/planning.js'
import { partsProgram, productProgram } from '../linear/product.js'
import { TILES } from '../linear/tile.js'

/** What an adapter tells of itself; the description usually names the driver. */
export type AdapterIdentity = { readonly [name in (typeof IDENTITY)[number]]: string }

const IDENTITY = ['vendor', 'architecture', 'device', 'description'] as const

/** A plan that was measured, in ms of the device for one product; `untunedMs` is what the plan of limits and model took. */
export interface MeasuredPlan extends TunedPlan {
  readonly ms: number
  readonly untunedMs: number
}

/** Plans of one adapter for one version of the kernels. */
export interface TuningTable {
  readonly schema: 1
  readonly kernels: string
  readonly adapter: AdapterIdentity
  /** By the shapes' keys. */
  readonly plans: { readonly [key: string]: MeasuredPlan }
}

export function identityOf(info: Partial<GPUAdapterInfo>): AdapterIdentity {
  return Object.fromEntries(IDENTITY.map((name) => [name, info[name] ?? ''])) as AdapterIdentity
}

let version: string | undefined

/** The version of the kernels that a table holds for: a hash of their code. */
export function kernelsVersion(): string {
  version ??= fnv(programs().map(shader).join())
  return version
}

/** Of each tile a program without sums and one with them, as these differ in more than the sums; of mixed ones also those of float16 in memory, by a device's matrix units and by emulated ones. */
function programs() {
  const operands = {
    left: { name: 'left', contiguous: 'outer', wide: true, whole: true },
    right: { name: 'right', contiguous: 'depth', wide: true, whole: true },
  } as const
  const size = { m: 16, n: 16, k: 16 }
  const units = [emulatedMatrices(size, 32), subgroupMatrices(size, 32, { controlled: true })]
  const products = [false, true].map((sums) => ({ ...operands, wide: true, epilogue: {}, sums }))
  const stored = (half: Halves) => ({ left: { ...operands.left, half }, right: { ...operands.right, half }, epilogue: { half } })
  return [
    ...products.flatMap((product) => TILES.map((tile) => productProgram({ ...product, tile }))),
    ...units.flatMap((unit) =>
      products
        .flatMap((product) => [product, { ...product, ...stored(unit) }])
        .flatMap((product) => MIXED_TILES.map((tile) => mixedProductProgram(product, tile, unit))),
    ),
    partsProgram(true),
  ]
}

/** FNV-1a of 32 bits, in hexadecimal digits. */
function fnv(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** The name of an adapter's table in a folder: readable, and with a hash of all that it tells. */
export function tableName(adapter: AdapterIdentity): string {
  const text = [adapter.vendor, adapter.architecture].filter(Boolean).join('-').toLowerCase()
  return `${text.replace(/[^a-z0-9-]+/g, '-') || 'unnamed'}-${fnv(JSON.stringify(IDENTITY.map((name) => adapter[name])))}.json`
}

/**
 * The table that a text holds.
 *
 * @throws Error of one line where it is damaged, or of another adapter or other kernels
 */
export function parseTable(text: string, adapter: AdapterIdentity): TuningTable {
  let table: TuningTable
  try {
    table = JSON.parse(text)
  } catch {
    throw new Error('it is damaged: it must be JSON')
  }
  if (table?.schema !== 1) throw new Error(`it must have schema 1; it has ${JSON.stringify(table?.schema)}`)
  if (table.kernels !== kernelsVersion()) throw new Error('it was measured with other kernels')
  if (IDENTITY.some((name) => table.adapter?.[name] !== adapter[name])) throw new Error('it was measured on another adapter')
  const { plans } = table
  if (typeof plans !== 'object' || plans === null || Array.isArray(plans)) throw new Error('it is damaged: plans must be an object')
  const wrong = Object.entries(plans).find(([, plan]) => !isPlan(plan))
  if (wrong) throw new Error(`it is damaged: the plan of '${wrong[0]}' must have rows, columns and parts of at least 1, and times`)
  return table
}

function isPlan(plan: MeasuredPlan | null): boolean {
  const { rows, columns, parts, ms, untunedMs } = plan ?? ({} as Partial<MeasuredPlan>)
  return [rows, columns, parts].every((value) => Number.isSafeInteger(value) && value! >= 1) && [ms, untunedMs].every((value) => value! > 0)
}
