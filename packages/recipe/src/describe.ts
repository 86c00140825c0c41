import { pareto } from '@learngene/budget-search'
import { buildPool, createAuxiliary, descendantBytes, descendantsOf, type Pool, storedParameters } from '@learngene/learngene-pool'
import { costOfPath, formatPath, type StitchedFamily, type StitchedPath, sharedMacs } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { costOf, type Network, type PartRegistry, withoutWeights } from '@learngene/vit-blocks'
import type { DescendantRow, ModelSize, RunReport, StorageRow } from './report.js'

/** H; 1 where the blocks have no heads. */
export const headsOf = (network: Network) => (network.blocks[0]!.config.heads ?? 1) as number

export function sizeOf(network: Network): ModelSize {
  const { parameters, macs } = costOf(network)
  return { parameters, macs }
}

/** Mean loss of the first and the last tenth of the steps; null where there were none. */
export function describeLosses(losses: Float32Array): { steps: number; firstLoss: number | null; lastLoss: number | null } {
  if (losses.length === 0) return { steps: 0, firstLoss: null, lastLoss: null }
  const tenth = Math.max(1, Math.round(losses.length / 10))
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length
  return { steps: losses.length, firstLoss: mean(losses.subarray(0, tenth)), lastLoss: mean(losses.subarray(losses.length - tenth)) }
}

/** One row per path; the Pareto front is that of MACs and validation accuracy. */
export function describeDescendants(
  pool: Pool,
  paths: readonly StitchedPath[],
  { validation, tested, untrained }: { readonly [part in 'validation' | 'tested' | 'untrained']: readonly number[] },
): DescendantRow[] {
  const rows = paths.map((path, id) => ({
    id,
    path: formatPath(path.path),
    ...costOfPath(pool, path),
    bytes: descendantBytes(pool, path),
    stitched: path.stitches.length > 0,
    validationAccuracy: validation[id]!,
    testAccuracy: tested[id]!,
    untrainedAccuracy: untrained[id]!,
  }))
  const candidates = rows.map((row) => ({ value: row, key: row.path, measures: { macs: row.macs }, score: row.validationAccuracy }))
  const front = new Set(pareto(candidates, { cost: 'macs' }).map(({ key }) => key))
  return rows.map((row) => ({ ...row, pareto: front.has(row.path) }))
}

export function evaluationMacs(networks: readonly Network[]): RunReport['evaluation'] {
  return { sharedMacs: sharedMacs(networks), separateMacs: networks.reduce((sum, network) => sum + costOf(network).macs, 0) }
}

/**
 * What the pool stores beside an SN-Net of the same widths: independently trained anchors of the ancestor's depth, stitched by the sliding window.
 * SN-Net's side is counted, not trained.
 */
export function describeStorage(pool: Pool, paths: readonly StitchedPath[], ancestor: Network, parts?: PartRegistry): RunReport['storage'] {
  return withoutWeights(() => {
    const depth = ancestor.blocks.length
    const anchors = pool.tiers.map(({ network }) => {
      const { kind, config } = network.blocks[0]!
      const spec = { width: network.embedding.width, heads: headsOf(network), depth, block: () => ({ kind, config }) }
      return createAuxiliary(ancestor, spec, createRng(0), parts)
    })
    const snnet = buildPool(anchors, {}, createRng(0))
    return {
      pool: storageRow(pool, paths),
      snnet: { ...storageRow(snnet, [...snnet.space.enumerate()]), anchors: anchors.map(({ name }) => name).join(' + ') },
    }
  })
}

function storageRow(family: StitchedFamily, paths: readonly StitchedPath[]): StorageRow {
  const sizes = descendantsOf(family, paths).map(sizeOf)
  const smallest = sizes.reduce((least, size) => (size.macs < least.macs ? size : least))
  return { parameters: storedParameters(family), smallest, models: paths.length }
}
