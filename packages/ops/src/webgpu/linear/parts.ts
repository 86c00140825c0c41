import type { Program } from '../dispatch.js'
import { elementType } from './operand.js'

export const PARTS_THREADS = 64

/** Adds the parts of a split product, always in the same order: `parts` [P, n] to `result` [n] and `part_sums` [P, rows] to `sums` [rows]. */
export function partsProgram(wide: boolean): Program {
  return {
    key: `learngene parts ${wide ? 4 : 1}`,
    storage: {
      parts: { type: elementType(wide) },
      part_sums: { type: 'array<f32>' },
      result: { type: elementType(wide), write: true },
      sums: { type: 'array<f32>', write: true },
    },
    // n: elements of the result, vectors where it is wide; stride: invocations of one row of workgroups.
    uniforms: { count: 'u32', n: 'u32', rows: 'u32', stride: 'u32' },
    workgroupSize: [PARTS_THREADS, 1, 1],
    code: `
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.y * u.stride + id.x;
  if (at < u.n) {
    var total = parts[at];
    for (var part = 1u; part < u.count; part++) { total += parts[part * u.n + at]; }
    result[at] = total;
  } else if (at < u.n + u.rows) {
    let row = at - u.n;
    var total = part_sums[row];
    for (var part = 1u; part < u.count; part++) { total += part_sums[part * u.rows + row]; }
    sums[row] = total;
  }
}`,
  }
}
