import { placeCode, readCode, type Source } from './layout.js'

/** Rows of a tile: a workgroup takes as many queries (or keys) at once, against as many keys (or queries). */
export const TILE = 32

/** Threads along each side of a tile; a thread has 4 x 4 values of the product of two tiles in registers. */
export const SIDE = TILE / 4

export const THREADS = SIDE * SIDE

/** How many vectors of four values of a head's rows stand in workgroup memory at once. */
export interface Chunks {
  /** Vectors of a row, the last padded with zeros. */
  readonly vectors: number
  /** Vectors of a chunk, at most one for each thread along a side. */
  readonly chunk: number
  readonly count: number
}

/** @param most vectors of a chunk, at most one for each thread along a side */
export function chunksOf(headWidth: number, most = SIDE): Chunks {
  const vectors = Math.ceil(headWidth / 4)
  const count = Math.ceil(vectors / most)
  return { vectors, chunk: Math.ceil(vectors / count), count }
}

/**
 * WGSL that the programs of tiles share. Thread [x, y] of a workgroup has rows 4 y .. 4 y + 3 of its own tile and columns x, x + 8, x + 16, x + 24 of
 * the other; its four values of a column are one vector. Own rows stand in `own` tiles in the order 0, 4, 8, ..., 1, 5, 9, ..., which keeps
 * threads off each other's memory banks; rows of the other side in `other` tiles as they come.
 *
 * @param tensors names of the tensors read in chunks, besides `qkv`: [B, N, D]
 * @param most vectors of a chunk
 */
export function sharedCode(headWidth: number, tensors: readonly string[], most = SIDE): string {
  const { chunk } = chunksOf(headWidth, most)
  return `${placeCode(headWidth, TILE)}
const CHUNK = ${chunk}u;
const STRIDE = ${chunk + 1}u;
${['qkv', ...tensors].map((name) => readCode(name, headWidth)).join('\n')}`
}

/** WGSL that loads a chunk of a tile into workgroup memory, with zeros past the last row and the last vector. */
export function loadCode(tile: string, side: 'own' | 'other', source: Source, first: string, chunk: string): string {
  const row = side === 'own' ? `(slot % ${SIDE}u) * 4u + slot / ${SIDE}u` : 'slot'
  const value = typeof source === 'string' ? `read_${source}(start_plain(at, row), c)` : `read_qkv(start_packed(at, row, ${source}u), c)`
  return `
for (var i = thread; i < ${TILE}u * CHUNK; i += ${THREADS}u) {
  let slot = i / CHUNK;
  let row = ${first} + ${row};
  let c = ${chunk} + i % CHUNK;
  var value = vec4f();
  if (row < u.tokens && c < VECTORS) { value = ${value}; }
  ${tile}[slot * STRIDE + i % CHUNK] = value;
}`
}

/** WGSL that adds to `${result}0` .. `${result}3`, one vector a column, the products of a chunk of own rows with a chunk of the other side's. */
export function productCode(result: string, own: string, other: string): string {
  return `
for (var c = 0u; c < CHUNK; c++) {
${[0, 1, 2, 3].map((i) => `  let a${i} = ${own}[(${SIDE * i}u + y) * STRIDE + c];`).join('\n')}
${[0, 1, 2, 3]
  .map(
    (j) =>
      `  let b${j} = ${other}[(x + ${SIDE * j}u) * STRIDE + c];\n  ${result}${j} += vec4f(dot(a0, b${j}), dot(a1, b${j}), dot(a2, b${j}), dot(a3, b${j}));`,
  )
  .join('\n')}
}`
}

/** WGSL that adds to `${result}_${chunk}_0` .. `_3`, one vector a row, the product of a matrix of weights [other rows, own rows] with a chunk of the other side's. */
export function mixCode(result: string, chunk: number, weights: string, other: string): string {
  return `
for (var k = 0u; k < rows; k++) {
  let weight = ${weights}[k * ${SIDE + 1}u + y];
  let value = ${other}[k * STRIDE + x];
${[0, 1, 2, 3].map((i) => `  ${result}_${chunk}_${i} += weight[${i}] * value;`).join('\n')}
}`
}
