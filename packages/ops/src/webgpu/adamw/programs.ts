import type { Program } from '../dispatch.js'

const THREADS = 256
const PER_THREAD = 4

/** Values that a workgroup updates. */
export const GROUP_VALUES = THREADS * PER_THREAD

const GROUP_INDEX = 'let index = group.y * groups.x + group.x;'
const MAIN =
  'fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32)'

/** One step of several parameters in place; each has `end`, the workgroups up to its last, and `count` values. */
export function adamWProgram(slots: number): Program {
  const each = <T>(value: (slot: number) => T) => Array.from({ length: slots }, (_, slot) => value(slot))
  const fields = each(
    (i) =>
      [
        [`row${i}`, 'u32'],
        [`count${i}`, 'u32'],
        [`end${i}`, 'u32'],
      ] as const,
  ).flat()
  return {
    key: `learngene adamW ${slots}`,
    storage: {
      scalars: { type: 'array<vec4f>' },
      ...Object.fromEntries(
        each(
          (i) =>
            [
              [`parameter${i}`, { type: 'array<f32>', write: true }],
              [`gradient${i}`, { type: 'array<f32>' }],
              [`m${i}`, { type: 'array<f32>', write: true }],
              [`v${i}`, { type: 'array<f32>', write: true }],
            ] as const,
        ).flat(),
      ),
    },
    uniforms: { beta1: 'f32', rest1: 'f32', beta2: 'f32', rest2: 'f32', epsilon: 'f32', last: 'u32', ...Object.fromEntries(fields) },
    workgroupSize: [THREADS, 1, 1],
    code: `
${MAIN} {
  ${GROUP_INDEX}
  let factor = scalars[u.last].x; // of the gradients; 0 leaves all as it is
  if (!(factor > 0.0)) { return; }
${each((i) => {
  const begin = i === 0 ? '0u' : `u.end${i - 1}`
  return `  if (index >= ${begin} && index < u.end${i}) {
    let numbers = scalars[u.row${i}]; // learning rate, shrinking, corrections of m and v
    for (var k = 0u; k < ${PER_THREAD}u; k++) {
      let at = (index - ${begin}) * ${GROUP_VALUES}u + k * ${THREADS}u + thread;
      if (at < u.count${i}) {
        let g = factor * gradient${i}[at];
        let m = u.beta1 * m${i}[at] + u.rest1 * g;
        let v = u.beta2 * v${i}[at] + u.rest2 * g * g;
        m${i}[at] = m;
        v${i}[at] = v;
        parameter${i}[at] = numbers.y * parameter${i}[at] - numbers.x * numbers.z * m / (sqrt(v * numbers.w) + u.epsilon);
      }
    }
  }`
}).join('\n')}
}`,
  }
}
