import type { Program } from '../dispatch.js'
import { headCode, LANES, type LaneShape, loadersCode, ownRows, rowsOf, stageCode, THREADS, tilesCode } from './lanes.js'
import { placeCode, type Source, storagesOf, storeCode, UNIFORMS } from './layout.js'

/** Scores that the forward pass takes together, so that its results are scaled anew once for all of them. */
const BATCH = 8

/** What the programs have in common besides their bodies. @param result what they store rows of */
function program(
  name: string,
  headWidth: number,
  shape: LaneShape,
  {
    storage,
    sources,
    result,
    more = '',
    body,
  }: { storage: Program['storage']; sources: readonly Source[]; result: string; more?: string; body: string },
): Program {
  return {
    key: `learngene attention lanes ${name} ${headWidth} ${shape.rows} ${shape.tile}`,
    storage,
    uniforms: UNIFORMS,
    workgroupSize: [THREADS, 1, 1],
    directives: 'enable subgroups;',
    code: `${placeCode(headWidth, ownRows(shape))}
${loadersCode(headWidth, sources)}
${storeCode(result, headWidth)}
${tilesCode(headWidth, shape)}
${more}
${headCode(shape)}
${body}
}`,
  }
}

/** The results of `forwardProgram`: a lane keeps the largest score and the sum of exponentials of its own row. */
export function laneForwardProgram(headWidth: number, shape: LaneShape): Program {
  const { tile } = shape
  const rows = rowsOf(headWidth, shape)
  const batch = (code: (j: number) => string) => Array.from({ length: BATCH }, (_, j) => code(j)).join('\n')
  return program('forward', headWidth, shape, {
    storage: storagesOf(headWidth).forward,
    sources: [0, 1, 2],
    result: 'y',
    body: `
  ${rows.load('q', 0)}
  ${rows.zeros('sum')}
  var largest = LOWEST;
  var total = 0.0;
  for (var first = 0u; first < u.tokens; first += ${tile}u) {
    ${stageCode(headWidth, shape, 1, 2)}
    workgroupBarrier();
    let present = min(${tile}u, u.tokens - first);
    // Counted by ones: then the compiler sees that no index is beyond its array, and leaves out the checks.
    for (var batch = 0u; batch < ${tile / BATCH}u; batch++) {
      let begin = batch * ${BATCH}u;
      if (begin >= present) { break; }
      var next = largest;
      ${batch(
        (j) => `var score_${j}: f32;
      {
        let k = begin + ${j}u;
        ${rows.staged('a', 'a_tile')}
        ${rows.dots('s', 'q', 'a')}
        ${rows.reduce('score', (row) => `s_${row}`)}
        score_${j} = select(LOWEST, score * LOG2_SCALE, k < present);
        next = max(next, score_${j});
      }`,
      )}
      let factor = exp2(largest - next);
      largest = next;
      total *= factor;
      ${rows.spread('factor')}
      ${rows.each((row, vector) => `sum_${row}_${vector} *= factor_${row};`)}
      ${batch(
        (j) => `{
        let k = begin + ${j}u;
        let p = exp2(score_${j} - largest);
        total += p;
        ${rows.spread('p')}
        ${rows.staged('b', 'b_tile')}
        ${rows.add('sum', (row) => `p_${row}`, 'b')}
      }`,
      )}
    }
  }
  let share = 1.0 / total;
  ${rows.spread('share')}
  ${rows.store(
    'sum',
    'y',
    (row) => `start_plain(at, ${row})`,
    (row) => `share_${row}`,
  )}
  if (lane < ${shape.rows}u && own_row < u.tokens) { saved[statistic(at, own_row)] = largest + log2(total); }`,
  })
}

/** The results of `queryGradientProgram`. */
export function laneQueryGradientProgram(headWidth: number, shape: LaneShape): Program {
  const { tile } = shape
  const rows = rowsOf(headWidth, shape)
  return program('query gradient', headWidth, shape, {
    storage: storagesOf(headWidth).queryGradient,
    sources: [0, 1, 2, 'y', 'dy'],
    result: 'dqkv',
    body: `
  ${rows.load('q', 0)}
  ${rows.load('g', 'dy')}
  ${rows.eachRow((row) => `var product_${row} = 0.0;`)}
  ${rows.each((row, vector) => `product_${row} += dot(g_${row}_${vector}, load_y(at, own_first + ${row}u, ${vector * LANES}u + lane));`)}
  ${rows.reduce('own_delta', (row) => `product_${row}`)}
  var log_sum = 0.0;
  if (own_row < u.tokens) { log_sum = saved[statistic(at, own_row)]; }
  if (lane < ${shape.rows}u && own_row < u.tokens) { delta[statistic(at, own_row)] = own_delta; }
  ${rows.zeros('sum')}
  for (var first = 0u; first < u.tokens; first += ${tile}u) {
    ${stageCode(headWidth, shape, 1, 2)}
    workgroupBarrier();
    let present = min(${tile}u, u.tokens - first);
    for (var k = 0u; k < ${tile}u; k++) {
      if (k >= present) { break; }
      ${rows.staged('a', 'a_tile')}
      ${rows.staged('b', 'b_tile')}
      ${rows.dots('s', 'q', 'a')}
      ${rows.dots('d', 'g', 'b')}
      ${rows.reduce('both', (row) => `vec2f(s_${row}, d_${row})`)}
      let weight = exp2(both.x * LOG2_SCALE - log_sum) * (both.y - own_delta);
      ${rows.spread('weight')}
      ${rows.add('sum', (row) => `weight_${row}`, 'a')}
    }
  }
  ${rows.store(
    'sum',
    'dqkv',
    (row) => `start_packed(at, ${row}, 0u)`,
    () => 'SCALE',
  )}`,
  })
}

/** The results of `keyGradientProgram`. */
export function laneKeyGradientProgram(headWidth: number, shape: LaneShape): Program {
  const { tile } = shape
  const rows = rowsOf(headWidth, shape)
  return program('key gradient', headWidth, shape, {
    storage: storagesOf(headWidth).keyGradient,
    sources: [0, 1, 2, 'dy'],
    result: 'dqkv',
    more: `// Of each staged query: the logarithm of its sum, and delta.
var<workgroup> statistics: array<vec2f, ${tile}>;`,
    body: `
  ${rows.load('k', 1)}
  ${rows.load('v', 2)}
  ${rows.zeros('key')}
  ${rows.zeros('value')}
  for (var first = 0u; first < u.tokens; first += ${tile}u) {
    ${stageCode(headWidth, shape, 0, 'dy')}
    for (var i = thread; i < ${tile}u; i += ${THREADS}u) {
      if (first + i < u.tokens) { let query = statistic(at, first + i); statistics[i] = vec2f(saved[query], delta[query]); }
    }
    workgroupBarrier();
    let present = min(${tile}u, u.tokens - first);
    for (var k = 0u; k < ${tile}u; k++) {
      if (k >= present) { break; }
      let of_query = statistics[k];
      ${rows.staged('a', 'a_tile')}
      ${rows.staged('b', 'b_tile')}
      ${rows.dots('s', 'k', 'a')}
      ${rows.dots('d', 'v', 'b')}
      ${rows.reduce('both', (row) => `vec2f(s_${row}, d_${row})`)}
      let p = exp2(both.x * LOG2_SCALE - of_query.x);
      let weights = vec2f(p, p * (both.y - of_query.y));
      ${rows.spread('weights')}
      ${rows.add('value', (row) => `weights_${row}.x`, 'b')}
      ${rows.add('key', (row) => `weights_${row}.y`, 'a')}
    }
  }
  ${rows.store(
    'key',
    'dqkv',
    (row) => `start_packed(at, ${row}, 1u)`,
    () => 'SCALE',
  )}
  ${rows.store(
    'value',
    'dqkv',
    (row) => `start_packed(at, ${row}, 2u)`,
    () => '1.0',
  )}`,
  })
}
