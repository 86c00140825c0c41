import type { Program } from '../dispatch.js'

const THREADS = 256
const PER_THREAD = 4

/** Vectors of one example that a workgroup adds up, and whose gradients it computes. */
export const GROUP_VECTORS = THREADS * PER_THREAD

/** 4 where examples divide into vectors of four values. */
export type Vector = 1 | 4

const valuesOf = (vector: Vector) => (vector === 4 ? 'array<vec4f>' : 'array<f32>')

const MAIN =
  'fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32)'

/** Which part of which example a workgroup has; `last` ends the example. */
const PART = `
  let index = group.y * groups.x + group.x;
  let example = index / u.parts;
  if (example >= u.examples) { return; }
  let first = example * u.vectors + (index - example * u.parts) * ${GROUP_VECTORS}u + thread;
  let last = (example + 1u) * u.vectors;`

/** factor times the sum of (x - target)^2 of each part of each example, [B, parts]; of x and target only the examples after the first u.before are bound. */
export function squaresProgram(vector: Vector): Program {
  return {
    key: `learngene squares ${vector}`,
    storage: { x: { type: valuesOf(vector) }, goal: { type: valuesOf(vector) }, result: { type: 'array<f32>', write: true } },
    uniforms: { examples: 'u32', before: 'u32', vectors: 'u32', parts: 'u32', factor: 'f32' },
    workgroupSize: [THREADS, 1, 1],
    code: `
var<workgroup> sums: array<f32, ${THREADS}>;

${MAIN} {${PART}
  var sum = 0.0;
  for (var k = 0u; k < ${PER_THREAD}u; k++) {
    let at = first + k * ${THREADS}u;
    if (at < last) {
      let d = x[at] - goal[at];
      sum += ${vector === 4 ? 'dot(d, d)' : 'd * d'};
    }
  }
  sums[thread] = sum;
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  if (thread == 0u) { result[u.before * u.parts + index] = sums[0] * u.factor; }
}`,
  }
}

export const ROW_SUM_THREADS = 64

/** The sum of each row, a thread a row. */
export const ROW_SUM_PROGRAM: Program = {
  key: 'learngene row sums',
  storage: { x: { type: 'array<f32>' }, result: { type: 'array<f32>', write: true } },
  uniforms: { rows: 'u32', columns: 'u32' },
  workgroupSize: [ROW_SUM_THREADS, 1, 1],
  code: `
${MAIN} {
  let row = (group.y * groups.x + group.x) * ${ROW_SUM_THREADS}u + thread;
  if (row >= u.rows) { return; }
  var sum = 0.0;
  for (var at = row * u.columns; at < (row + 1u) * u.columns; at++) { sum += x[at]; }
  result[row] = sum;
}`,
}

/** dx = factor dy (x - target); dy alone is bound whole, with u.before examples before the others' first. */
export function squaresGradientProgram(vector: Vector): Program {
  return {
    key: `learngene squares gradient ${vector}`,
    storage: {
      x: { type: valuesOf(vector) },
      goal: { type: valuesOf(vector) },
      dy: { type: 'array<f32>' },
      result: { type: valuesOf(vector), write: true },
    },
    uniforms: { examples: 'u32', before: 'u32', vectors: 'u32', parts: 'u32', factor: 'f32' },
    workgroupSize: [THREADS, 1, 1],
    code: `
${MAIN} {${PART}
  let scale = u.factor * dy[u.before + example];
  for (var k = 0u; k < ${PER_THREAD}u; k++) {
    let at = first + k * ${THREADS}u;
    if (at < last) { result[at] = scale * (x[at] - goal[at]); }
  }
}`,
  }
}
