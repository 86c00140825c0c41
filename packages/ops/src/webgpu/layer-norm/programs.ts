import type { Program } from '../dispatch.js'

/** y = gamma (x - mean) inverse + beta, and statistics = [mean, inverse] of each row, inverse = 1 / sqrt(variance + epsilon). */
export function forwardProgram(team: Team): Program {
  const type = vectorType(team)
  const values = `array<${type}>`
  return {
    key: `learngene layerNorm ${team.vector} ${team.vectors}`,
    storage: {
      x: { type: values },
      gamma: { type: values },
      beta: { type: values },
      y: { type: values, write: true },
      statistics: { type: 'array<vec2f>', write: true },
    },
    uniforms: { rows: 'u32', epsilon: 'f32' },
    workgroupSize: [team.lanes * team.teams, 1, 1],
    code: `${teamCode(team)}
var<workgroup> sums: array<f32, THREADS>;
var<workgroup> squares: array<f32, THREADS>;

fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = thread / LANES * LANES;
  let lane = thread - first;
  let row = (group.y * groups.x + group.x) * TEAMS + thread / LANES;
  let live = row < u.rows;
  var v: array<${type}, PER_LANE>;
  var sum = 0.0;
  for (var k = 0u; k < PER_LANE; k++) {
    let c = lane + k * LANES;
    if (live && c < VECTORS) { v[k] = x[row * VECTORS + c]; sum += total(v[k]); }
  }
  sums[thread] = sum;
  workgroupBarrier();
  var mean = 0.0;
  for (var i = 0u; i < LANES; i++) { mean += sums[first + i]; }
  mean /= WIDTH;
  var square = 0.0;
  for (var k = 0u; k < PER_LANE; k++) {
    v[k] -= mean;
    if (lane + k * LANES < VECTORS) { square += total(v[k] * v[k]); }
  }
  squares[thread] = square;
  workgroupBarrier();
  var variance = 0.0;
  for (var i = 0u; i < LANES; i++) { variance += squares[first + i]; }
  let inverse = 1.0 / sqrt(variance / WIDTH + u.epsilon);
  if (!live) { return; }
  for (var k = 0u; k < PER_LANE; k++) {
    let c = lane + k * LANES;
    if (c < VECTORS) { y[row * VECTORS + c] = gamma[c] * (v[k] * inverse) + beta[c]; }
  }
  if (lane == 0u) { statistics[row] = vec2f(mean, inverse); }
}`,
  }
}

/**
 * dx, and the sums of dy normalised and of dy over the rows of each workgroup, [groups, 2, width]. With g = dy gamma and n the normalised x:
 * dx = inverse (g - mean(g) - n mean(g n)).
 *
 * Uniform `before` counts the workgroups of other dispatches that write before these in `partial`.
 *
 * @param withSkip whether `d_skip`, the gradient that comes along a connection around the layer norm, is added to dx
 */
export function gradientProgram(team: Team, withSkip: boolean): Program {
  const type = vectorType(team)
  const values = `array<${type}>`
  return {
    key: `learngene layerNorm gradient ${team.vector} ${team.vectors}${withSkip ? ' and skip' : ''}`,
    storage: {
      x: { type: values },
      gamma: { type: values },
      statistics: { type: 'array<vec2f>' },
      dy: { type: values },
      ...(withSkip && { d_skip: { type: values } }),
      dx: { type: values, write: true },
      partial: { type: values, write: true },
    },
    uniforms: { rows: 'u32', rounds: 'u32', before: 'u32' },
    workgroupSize: [team.lanes * team.teams, 1, 1],
    code: `${teamCode(team)}
// Two halves that rounds take in turns, so that one barrier a round is enough.
var<workgroup> sums: array<vec2f, 2u * THREADS>;
var<workgroup> columns: array<${type}, THREADS>;

fn add_up(value: ${type}, thread: u32) -> ${type} {
  columns[thread] = value;
  workgroupBarrier();
  var sum = columns[thread];
  if (thread < LANES) { for (var team = 1u; team < TEAMS; team++) { sum += columns[team * LANES + thread]; } }
  workgroupBarrier();
  return sum;
}

fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = thread / LANES * LANES;
  let lane = thread - first;
  var d_gamma: array<${type}, PER_LANE>;
  var d_beta: array<${type}, PER_LANE>;
  for (var round = 0u; round < u.rounds; round++) {
    let row = (group.x * u.rounds + round) * TEAMS + thread / LANES;
    let live = row < u.rows;
    var normalised: array<${type}, PER_LANE>;
    var scaled: array<${type}, PER_LANE>;
    var sum = vec2f();
    var inverse = 0.0;
    if (live) {
      let s = statistics[row];
      inverse = s.y;
      for (var k = 0u; k < PER_LANE; k++) {
        let c = lane + k * LANES;
        if (c < VECTORS) {
          let gradient = dy[row * VECTORS + c];
          normalised[k] = (x[row * VECTORS + c] - s.x) * inverse;
          scaled[k] = gradient * gamma[c];
          d_gamma[k] += gradient * normalised[k];
          d_beta[k] += gradient;
          sum += vec2f(total(scaled[k]), total(scaled[k] * normalised[k]));
        }
      }
    }
    let half = (round & 1u) * THREADS;
    sums[half + thread] = sum;
    workgroupBarrier();
    var means = vec2f();
    for (var i = 0u; i < LANES; i++) { means += sums[half + first + i]; }
    means /= WIDTH;
    for (var k = 0u; k < PER_LANE; k++) {
      let c = lane + k * LANES;
      if (live && c < VECTORS) {
        let at = row * VECTORS + c;
        dx[at] = inverse * (scaled[k] - means.x - normalised[k] * means.y)${withSkip ? ' + d_skip[at]' : ''};
      }
    }
  }
  for (var k = 0u; k < PER_LANE; k++) {
    let c = lane + k * LANES;
    let for_gamma = add_up(d_gamma[k], thread);
    let for_beta = add_up(d_beta[k], thread);
    if (thread < LANES && c < VECTORS) {
      let at = 2u * (u.before + group.x) * VECTORS + c;
      partial[at] = for_gamma;
      partial[at + VECTORS] = for_beta;
    }
  }
}`,
  }
}

/** Eight neighbours are what memory gives at once; the more threads share a column, the fewer reads wait for each other. */
export const SUM_COLUMNS = 8

const SUM_ROWS = 32

/** dGamma and dBeta: the sums of [groups, 2, width] over the groups, always in the same order. */
export const SUM_PROGRAM: Program = {
  key: 'learngene layerNorm sums',
  storage: {
    partial: { type: 'array<f32>' },
    d_gamma: { type: 'array<f32>', write: true },
    d_beta: { type: 'array<f32>', write: true },
  },
  uniforms: { groups: 'u32', width: 'u32' },
  workgroupSize: [SUM_COLUMNS, SUM_ROWS, 1],
  code: `
var<workgroup> sums: array<f32, ${SUM_COLUMNS * SUM_ROWS}>;

fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let columns = 2u * u.width;
  var sum = 0.0;
  if (id.x < columns) { for (var group = local.y; group < u.groups; group += ${SUM_ROWS}u) { sum += partial[group * columns + id.x]; } }
  sums[local.y * ${SUM_COLUMNS}u + local.x] = sum;
  workgroupBarrier();
  if (local.y != 0u || id.x >= columns) { return; }
  for (var row = 1u; row < ${SUM_ROWS}u; row++) { sum += sums[row * ${SUM_COLUMNS}u + local.x]; }
  if (id.x < u.width) { d_gamma[id.x] = sum; } else { d_beta[id.x - u.width] = sum; }
}`,
}

/** How the threads of a workgroup share rows: a team of threads takes a row at a time. */
interface Team {
  /** Values that a thread loads at once: 4 where rows divide by it. */
  readonly vector: 1 | 4
  /** Vectors of a row. */
  readonly vectors: number
  /** Threads of a team. */
  readonly lanes: number
  /** Vectors of a thread, which it keeps in registers. */
  readonly perLane: number
  /** Teams of a workgroup. */
  readonly teams: number
}

const THREADS = 128

const VECTORS_PER_LANE = 4

export function teamFor(width: number): Team {
  const vector = width % 4 === 0 ? 4 : 1
  const vectors = width / vector
  let lanes = 8
  while (lanes < THREADS && lanes * VECTORS_PER_LANE < vectors) lanes *= 2
  return { vector, vectors, lanes, perLane: Math.ceil(vectors / lanes), teams: THREADS / lanes }
}

/** WGSL of a team's constants, and `total(v)`, the sum of a vector's values. */
function teamCode({ vector, vectors, lanes, perLane, teams }: Team): string {
  const type = vectorType({ vector })
  return `
const WIDTH = ${vector * vectors}.0;
const VECTORS = ${vectors}u;
const LANES = ${lanes}u;
const PER_LANE = ${perLane}u;
const TEAMS = ${teams}u;
const THREADS = ${lanes * teams}u;
fn total(v: ${type}) -> f32 { return ${vector === 4 ? 'dot(v, vec4f(1.0))' : 'v'}; }`
}

function vectorType({ vector }: Pick<Team, 'vector'>): 'vec4f' | 'f32' {
  return vector === 4 ? 'vec4f' : 'f32'
}
