import type { Program } from '../dispatch.js'
import { eachValue } from '../slots.js'

const THREADS = 256
const PER_THREAD = 16

/** Values whose squares a workgroup sums. */
export const GROUP_VALUES = THREADS * PER_THREAD

/** Sum of the workgroup's `sums`, in the same order every time, in sums[0]. */
const SUM = `
  sums[thread] = own;
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }`

/** Sums of the squares of several tensors, one for each workgroup; each tensor has `end`, the workgroups up to its last, and `count` values. */
export function squaresProgram(tensors: number): Program {
  const each = <T>(value: (tensor: number) => T) => Array.from({ length: tensors }, (_, i) => value(i))
  return {
    key: `learngene guard squares ${tensors}`,
    storage: {
      partial: { type: 'array<f32>', write: true },
      ...Object.fromEntries(each((i) => [`x${i}`, { type: 'array<f32>' }] as const)),
    },
    uniforms: {
      first: 'u32',
      ...Object.fromEntries(
        each(
          (i) =>
            [
              [`count${i}`, 'u32'],
              [`end${i}`, 'u32'],
            ] as const,
        ).flat(),
      ),
    },
    workgroupSize: [THREADS, 1, 1],
    code: `
var<workgroup> sums: array<f32, ${THREADS}>;
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.y * groups.x + group.x;
  var own = 0.0;
${eachValue(tensors, THREADS, PER_THREAD, (i) => ` own += x${i}[at] * x${i}[at]; `)}${SUM}
  if (thread == 0u && index < u.end${tensors - 1}) { partial[u.first + index] = sums[0]; }
}`,
  }
}

/** Judges a step: see `guardStep`. One workgroup. What is not finite is told by its bits, since compilers may hold that floats always are. */
export const GUARD_PROGRAM: Program = {
  key: 'learngene guard',
  storage: {
    loss: { type: 'array<f32>' },
    partial: { type: 'array<f32>' },
    scalars: { type: 'array<f32>' },
    reached: { type: 'array<f32>' },
    state: { type: 'array<f32>', write: true },
    table: { type: 'array<f32>', write: true },
    numbers: { type: 'array<f32>', write: true },
  },
  uniforms: {
    terms: 'u32',
    partials: 'u32',
    count: 'u32',
    columns: 'u32',
    sets: 'u32',
    someReached: 'u32',
    clipNorm: 'f32',
    doubleAfter: 'f32',
    largestScale: 'f32',
  },
  workgroupSize: [THREADS, 1, 1],
  code: `
var<workgroup> sums: array<f32, ${THREADS}>;
fn isFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
var<workgroup> agreed: f32;
var<workgroup> chosen: u32;
fn judge(squares: f32) -> f32 {
  let scale = state[1];
  let norm = sqrt(squares) / scale;
  let sound = isFinite(squares) && isFinite(norm);
  var lives = state[0] > 0.0 && (sound || (u.doubleAfter > 0.0 && scale > 1.0));
  for (var i = 0u; i < u.terms; i++) {
    lives = lives && isFinite(loss[i]);
    numbers[3u + i] = loss[i];
  }
  let applies = lives && sound;
  numbers[0] = select(1.0, 0.0, applies);
  numbers[1] = norm;
  numbers[2] = scale;
  state[0] = select(0.0, 1.0, lives);
  chosen = u32(state[3]);
  state[3] = f32((2u * chosen + select(0u, 1u, lives && !applies)) % u.sets);
  if (u.doubleAfter > 0.0) {
    let taken = state[2] + 1.0;
    state[2] = select(0.0, taken, applies && taken != u.doubleAfter);
    if (applies && taken == u.doubleAfter) { state[1] = min(2.0 * scale, u.largestScale); }
    if (lives && !applies) { state[1] = max(0.5 * scale, 1.0); }
  }
  if (!applies) { return 0.0; }
  if (u.clipNorm > 0.0) { return min(u.clipNorm / (norm + 1e-6), 1.0) / scale; }
  return 1.0 / scale;
}
fn main(@builtin(local_invocation_index) thread: u32) {
  var own = 0.0;
  for (var i = thread; i < u.partials; i += ${THREADS}u) { own += partial[i]; }${SUM}
  workgroupBarrier();
  if (thread == 0u) { agreed = judge(sums[0]); }
  workgroupBarrier();
  for (var i = thread; i < u.count; i += ${THREADS}u) {
    let row = i / u.columns;
    var factor = select(0.0, agreed, row * u.columns == i);
    if (u.someReached == 1u) { factor *= reached[row]; }
    table[i] = scalars[chosen * u.count + i];
    table[u.count + i] = factor;
  }
}`,
}
