/** How one workgroup's part of a product is cut: a tile of rows x columns, of which each thread holds threadRows x threadColumns in registers. */
export interface Tile {
  readonly rows: number
  readonly columns: number
  readonly threadRows: 4 | 8
  readonly threadColumns: 4 | 8
  /** Share of the peak rate that the tile is expected to reach once the device is full: larger tiles read less per operation. */
  readonly efficiency: number
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

/** Multiprocessors of the device that the choice is made for (H100); a workgroup runs on one of them. */
export const PROCESSORS = 132

/** Workgroups per multiprocessor that hide each other's waiting. */
const WORKGROUPS_EACH = 2

/** A shorter part of the depth is not worth its share of the sum over parts. */
const LEAST_SHARE = 8 * SLICE

/** Parts are whole slices, those of mixed precision too. */
const SHARE_STEP = 2 * SLICE

export const threadsOf = (tile: Tile): number => (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns)

export const tilesOf = (tile: Pick<Tile, 'rows' | 'columns'>, rows: number, columns: number): number =>
  Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)

/** The tile of least expected time: rounds of all multiprocessors times the work of one tile, what hangs over the edges included. */
export function chooseTile(rows: number, columns: number): Tile {
  return cheapest((tile) => Math.ceil(tilesOf(tile, rows, columns) / PROCESSORS))
}

/** For products whose depth is cut into parts: the tile that hangs over least where the result alone gives too little to do. */
export function chooseSplitTile(rows: number, columns: number): Tile {
  const whole = chooseTile(rows, columns)
  return tilesOf(whole, rows, columns) >= PROCESSORS ? whole : cheapest((tile) => tilesOf(tile, rows, columns))
}

/** Into how many parts the depth is cut so that all multiprocessors have work, and the depth of each. */
export function splitDepth(tiles: number, depth: number): { readonly parts: number; readonly share: number } {
  if (tiles >= PROCESSORS || depth < 2 * LEAST_SHARE) return { parts: 1, share: depth }
  const wanted = Math.ceil((PROCESSORS * WORKGROUPS_EACH) / tiles)
  const share = Math.ceil(Math.max(depth / wanted, LEAST_SHARE) / SHARE_STEP) * SHARE_STEP
  return { parts: Math.ceil(depth / share), share }
}

function cheapest(tiles: (tile: Tile) => number): Tile {
  const cost = (tile: Tile) => (tiles(tile) * tile.rows * tile.columns) / tile.efficiency
  return TILES.reduce((best, tile) => (cost(tile) < cost(best) ? tile : best))
}
