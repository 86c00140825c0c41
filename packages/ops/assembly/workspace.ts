import { FLOAT } from './vectors'

// Memory that every call may overwrite. The host allocates it once and hands its address over; the module owns no memory of its own.

/** Rows, columns and depth of the blocks that a product packs at a time. */
export const ROW_BLOCK: i32 = 96
export const COLUMN_BLOCK: i32 = 1024
export const DEPTH_BLOCK: i32 = 384

const ZEROS: usize = <usize>COLUMN_BLOCK * FLOAT
const TILE: usize = 4 * 8 * FLOAT
const PACKED_ROWS: usize = <usize>(ROW_BLOCK * DEPTH_BLOCK) * FLOAT
const PACKED_COLUMNS: usize = <usize>(COLUMN_BLOCK * DEPTH_BLOCK) * FLOAT

/** What the host must allocate: the parts and room to align them to a cache line. */
export const WORKSPACE_BYTES: i32 = <i32>(ZEROS + TILE + PACKED_ROWS + PACKED_COLUMNS) + 64

/** A row of zeros, COLUMN_BLOCK long. */
export let zeros: usize = 0
/** One 4 x 8 tile. */
export let tileStage: usize = 0
export let packedRows: usize = 0
export let packedColumns: usize = 0

export function setWorkspace(address: usize): void {
  zeros = (address + 63) & ~63
  tileStage = zeros + ZEROS
  packedRows = tileStage + TILE
  packedColumns = packedRows + PACKED_ROWS
  memory.fill(zeros, 0, ZEROS)
}
