import type { CrossEntropyAttributes } from '../../cross-entropy.js'
import type { Program } from '../dispatch.js'

const THREADS = 128

type Targets = CrossEntropyAttributes['targets']

/** WGSL of a class's target probability; statistics hold largest logit and logarithm of the sum of exponentials of predictions and targets. */
const targetCode = (targets: Targets) =>
  targets === 'probabilities' ? 'targets[at]' : 'exp(targets[at] * u.inverse_temperature - s.z - s.w)'

const MAIN =
  'fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32)'

/**
 * The loss of each row of logits, and statistics for the gradient: largest logit and logarithm of the sum of exponentials, both of the logits and of the
 * targets; for targets that are probabilities, 0 and their sum instead. A workgroup takes a row.
 */
export function crossEntropyProgram(targets: Targets): Program {
  const probabilities = targets === 'probabilities'
  return {
    key: `learngene crossEntropy ${targets}`,
    storage: {
      logits: { type: 'array<f32>' },
      targets: { type: 'array<f32>' },
      loss: { type: 'array<f32>', write: true },
      statistics: { type: 'array<vec4f>', write: true },
    },
    uniforms: { rows: 'u32', classes: 'u32', inverse_temperature: 'f32', factor: 'f32' },
    workgroupSize: [THREADS, 1, 1],
    code: `
var<workgroup> values: array<vec2f, ${THREADS}>;

fn largest(value: vec2f, thread: u32) -> vec2f {
  values[thread] = value;
  workgroupBarrier();
  var result = value;
  for (var i = 0u; i < ${THREADS}u; i++) { result = max(result, values[i]); }
  workgroupBarrier();
  return result;
}

fn total(value: vec2f, thread: u32) -> vec2f {
  values[thread] = value;
  workgroupBarrier();
  var result = vec2f();
  for (var i = 0u; i < ${THREADS}u; i++) { result += values[i]; }
  workgroupBarrier();
  return result;
}

${MAIN} {
  let row = group.y * groups.x + group.x;
  if (row >= u.rows) { return; }
  let begin = row * u.classes;
  let end = begin + u.classes;
  var high = vec2f(-3e38);
  for (var at = begin + thread; at < end; at += ${THREADS}u) {
    high = max(high, vec2f(logits[at], ${probabilities ? '0.0' : 'targets[at]'}) * u.inverse_temperature);
  }
  high = largest(high, thread);
  var sum = vec2f();
  for (var at = begin + thread; at < end; at += ${THREADS}u) {
    sum.x += exp(logits[at] * u.inverse_temperature - high.x);
    sum.y += ${probabilities ? 'targets[at]' : 'exp(targets[at] * u.inverse_temperature - high.y)'};
  }
  sum = total(sum, thread);
  let s = vec4f(high.x, log(sum.x), ${probabilities ? '0.0, sum.y' : 'high.y, log(sum.y)'});
  var value = 0.0;
  for (var at = begin + thread; at < end; at += ${THREADS}u) {
    let log_predicted = logits[at] * u.inverse_temperature - s.x - s.y;
    let target_probability = ${targetCode(targets)};
    let term = target_probability * (${targets === 'logitsLessEntropy' ? '(targets[at] * u.inverse_temperature - s.z - s.w)' : '0.0'} - log_predicted);
    value += select(0.0, term, target_probability > 0.0); // 0 log 0 = 0
  }
  value = total(vec2f(value), thread).x;
  if (thread == 0u) {
    loss[row] = value * u.factor;
    statistics[row] = s;
  }
}`,
  }
}

export const GRADIENT_THREADS = 256

/** dlogits = dy factor / T (softmax(z / T) sum(p) - p), p the targets' probabilities. */
export function crossEntropyGradientProgram(targets: Targets): Program {
  return {
    key: `learngene crossEntropy gradient ${targets}`,
    storage: {
      logits: { type: 'array<f32>' },
      targets: { type: 'array<f32>' },
      statistics: { type: 'array<vec4f>' },
      dy: { type: 'array<f32>' },
      result: { type: 'array<f32>', write: true },
    },
    uniforms: { count: 'u32', classes: 'u32', inverse_temperature: 'f32', factor: 'f32' },
    workgroupSize: [GRADIENT_THREADS, 1, 1],
    code: `
${MAIN} {
  let at = (group.y * groups.x + group.x) * ${GRADIENT_THREADS}u + thread;
  if (at >= u.count) { return; }
  let row = at / u.classes;
  let s = statistics[row];
  let predicted = exp(logits[at] * u.inverse_temperature - s.x - s.y);
  result[at] = dy[row] * u.factor * (predicted * ${targets === 'probabilities' ? 's.w' : '1.0'} - ${targetCode(targets)});
}`,
  }
}
