import type { Program } from '../dispatch.js'
import { GELU } from './gelu.js'

export const GELU_THREADS = 256

/** GELU of each value, or dx = dy times its derivative. */
export function geluProgram(gradient: boolean): Program {
  return {
    key: `learngene gelu ${gradient}`,
    storage: { x: { type: 'array<f32>' }, ...(gradient && { dy: { type: 'array<f32>' } }), result: { type: 'array<f32>', write: true } },
    uniforms: { count: 'u32', stride: 'u32' },
    workgroupSize: [GELU_THREADS, 1, 1],
    code: `${GELU}
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.y * u.stride + id.x;
  if (at >= u.count) { return; }
  result[at] = ${gradient ? 'dy[at] * gelu_derivative(vec4f(x[at])).x' : 'gelu(vec4f(x[at])).x'};
}`,
  }
}
