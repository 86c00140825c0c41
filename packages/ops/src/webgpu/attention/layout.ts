/** WGSL element type of tensors whose rows are cut into heads of this width. */
function elements(headWidth: number): 'array<vec4f>' | 'array<f32>' {
  return headWidth % 4 === 0 ? 'array<vec4f>' : 'array<f32>'
}

/** The buffers of the three programs, whichever way they compute: qkv and its gradient [B, N, 3 D], y and dy [B, N, D], statistics of each query [B, H, N]. */
export function storagesOf(headWidth: number) {
  const rows = { type: elements(headWidth) }
  const statistic = { type: 'array<f32>' }
  const written = { write: true }
  return {
    forward: { qkv: rows, y: { ...rows, ...written }, saved: { ...statistic, ...written } },
    queryGradient: { qkv: rows, y: rows, saved: statistic, dy: rows, delta: { ...statistic, ...written }, dqkv: { ...rows, ...written } },
    keyGradient: { qkv: rows, saved: statistic, dy: rows, delta: statistic, dqkv: { ...rows, ...written } },
  }
}

/** count: workgroups that have rows. */
export const UNIFORMS = { tokens: 'u32', heads: 'u32', count: 'u32' } as const

/** What rows are read of: a third of qkv (0 queries, 1 keys, 2 values), or a tensor [B, N, D] by its name. */
export type Source = 0 | 1 | 2 | string

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

/** WGSL that writes vector `c` of a row. */
export function storeCode(name: string, headWidth: number): string {
  const stores =
    headWidth % 4 === 0
      ? `${name}[start + c] = value;`
      : `for (var i = 0u; i < 4u; i++) { if (4u * c + i < ${headWidth}u) { ${name}[start + 4u * c + i] = value[i]; } }`
  return `fn store_${name}(start: u32, c: u32, value: vec4f) { ${stores} }`
}
