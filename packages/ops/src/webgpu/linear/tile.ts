/** Rows and columns of a result that one workgroup computes. */
export interface TileSize {
  readonly rows: number
  readonly columns: number
  /** Share of the peak rate that the tile is expected to reach on a device full of work: larger tiles read less per operation. */
  readonly efficiency: number
}

/** How a tile is cut: each thread holds threadRows x threadColumns of it in registers. */
export interface Tile extends TileSize {
  readonly threadRows: 4 | 8
  readonly threadColumns: 4 | 8
}

/** Depth of the slices that a workgroup stages. */
export const SLICE = 16

/** Widths of DeiT divide by 96 and by 64. */
export const TILES: readonly Tile[] = [
  { rows: 128, columns: 96, threadRows: 8, threadColumns: 8, efficiency: 1 },
  { rows: 128, columns: 64, threadRows: 8, threadColumns: 8, efficiency: 0.95 },
  { rows: 64, columns: 64, threadRows: 8, threadColumns: 8, efficiency: 0.85 },
  { rows: 32, columns: 32, threadRows: 4, threadColumns: 4, efficiency: 0.5 },
]

export const threadsOf = (tile: Tile): number => (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns)

/** Multiprocessors of the device that choices are made for (H100); a workgroup runs on one of them. */
const PROCESSORS = 132

/** Of the full rate, where a multiprocessor has one workgroup only and nothing to do while that waits. */
const ALONE = 0.8

/**
 * What a second dispatch that adds parts costs, in multiply-adds of one multiprocessor (128 a cycle, 1.7 GHz): 3 us for the launch, and 8 bytes for each
 * value of each part at 3.35 TB/s.
 */
const PARTS_LAUNCH = 650_000
const PARTS_VALUE = 0.5

/** Parts of a depth are whole slices, those of mixed precision too. */
const SHARE_STEP = 2 * SLICE

/** The tile of a product, into how many parts its depth is cut, and the depth of a part. */
export interface Plan<T extends TileSize> {
  readonly tile: T
  readonly parts: number
  readonly share: number
}

/**
 * The plan of least expected time: rounds of all multiprocessors times the work of one workgroup, what hangs over the edges included.
 *
 * @param divisible whether the depth may be cut, so that a small result gives all multiprocessors work; the parts are added in a second dispatch
 */
export function choosePlan<T extends TileSize>(
  tiles: readonly T[],
  rows: number,
  columns: number,
  depth: number,
  divisible: boolean,
): Plan<T> {
  const plans = tiles.flatMap((tile) => {
    const count = Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)
    const perProcessor = divisible ? [0, 1, 2, 4] : [0]
    return perProcessor.map((wanted) => {
      const cut = Math.ceil(depth / Math.max((wanted * PROCESSORS) / count, 1) / SHARE_STEP) * SHARE_STEP
      const share = Math.min(cut, depth)
      const parts = Math.ceil(depth / share)
      const workgroups = count * parts
      const rate = tile.efficiency * (workgroups < 2 * PROCESSORS ? ALONE : 1)
      const work = (Math.ceil(workgroups / PROCESSORS) * tile.rows * tile.columns * share) / rate
      const adding = parts > 1 ? PARTS_LAUNCH + PARTS_VALUE * parts * rows * columns : 0
      return { tile, parts, share, cost: work + adding }
    })
  })
  return plans.reduce((best, plan) => (plan.cost < best.cost ? plan : best))
}
