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

/** WGSL element type of tensors whose rows are cut into heads of this width. */
export function elements(headWidth: number): 'array<vec4f>' | 'array<f32>' {
  return headWidth % 4 === 0 ? 'array<vec4f>' : 'array<f32>'
}

/**
 * WGSL that all attention programs share: where a row of a head stands in qkv [B, N, 3 D], in tensors [B, N, D] and among statistics [B, H, N], and which own rows a
 * workgroup has.
 *
 * @param own rows of a workgroup
 */
export function placeCode(headWidth: number, own: number): string {
  const vectors = Math.ceil(headWidth / 4)
  return `
const ROW = ${headWidth % 4 === 0 ? vectors : headWidth}u;
const VECTORS = ${vectors}u;
const SCALE = ${1 / Math.sqrt(headWidth)};
const LOG2_SCALE = ${Math.LOG2E / Math.sqrt(headWidth)};
const LOWEST = -3e38;

struct Place { image: u32, head: u32, first: u32 }

fn place(group: u32) -> Place {
  let parts = (u.tokens + ${own - 1}u) / ${own}u;
  let image_head = group / parts;
  return Place(image_head / u.heads, image_head % u.heads, (group - image_head * parts) * ${own}u);
}
fn start_packed(at: Place, row: u32, third: u32) -> u32 { return (((at.image * u.tokens + row) * 3u + third) * u.heads + at.head) * ROW; }
fn start_plain(at: Place, row: u32) -> u32 { return ((at.image * u.tokens + row) * u.heads + at.head) * ROW; }
fn statistic(at: Place, row: u32) -> u32 { return (at.image * u.heads + at.head) * u.tokens + row; }`
}

/** WGSL of `read_NAME(start, c)`: vector `c` of the row that starts there, with zeros past the head's width. */
export function readCode(name: string, headWidth: number): string {
  const part = (i: number) => `select(0.0, ${name}[start + 4u * c + ${i}u], 4u * c + ${i}u < ${headWidth}u)`
  const value = headWidth % 4 === 0 ? `${name}[start + c]` : `vec4f(${[0, 1, 2, 3].map(part).join(', ')})`
  return `fn read_${name}(start: u32, c: u32) -> vec4f { return ${value}; }`
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

/** WGSL that writes vector `c` of a row. */
export function storeCode(name: string, headWidth: number): string {
  const stores =
    headWidth % 4 === 0
      ? `${name}[start + c] = value;`
      : `for (var i = 0u; i < 4u; i++) { if (4u * c + i < ${headWidth}u) { ${name}[start + 4u * c + i] = value[i]; } }`
  return `fn store_${name}(start: u32, c: u32, value: vec4f) { ${stores} }`
}

/** Where a tile's chunk comes from: a third of qkv (0 queries, 1 keys, 2 values), or a tensor [B, N, D] by its name. */
export type Source = 0 | 1 | 2 | string

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
