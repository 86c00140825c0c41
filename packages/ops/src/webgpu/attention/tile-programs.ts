import type { Program } from '../dispatch.js'
import { type Source, storagesOf, storeCode, UNIFORMS } from './layout.js'
import { chunksOf, loadCode, mixCode, productCode, SIDE, sharedCode, THREADS, TILE } from './tile.js'

const FOUR = [0, 1, 2, 3]

const HEAD = `fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.y * groups.x + group.x;
  if (index >= u.count) { return; }
  let at = place(index);
  let x = thread % ${SIDE}u;
  let y = thread / ${SIDE}u;
  let own_first = at.first + 4u * y;`

/**
 * Weights between two tiles as `mixCode` reads them, padded by one against bank conflicts. Gradients put them where a tile of own rows was, which is read anew for the next
 * products: a chunk of a tile takes no more.
 */
const weightsOf = (name: string) => `var<workgroup> ${name}: array<vec4f, ${TILE * (SIDE + 1)}>;`
const chunkTile = (name: string) => `var<workgroup> ${name}: array<vec4f, ${TILE}u * STRIDE>;`

/** WGSL that names each row of each chunk's results. */
const forResults = (count: number, code: (chunk: number, row: number) => string) =>
  Array.from({ length: count }, (_, chunk) => FOUR.map((row) => code(chunk, row)).join('\n')).join('\n')

/** WGSL that hands out a workgroup's own rows of a result, a vector of each chunk to each thread. */
const forStores = (count: number, code: (chunk: number, row: number) => string) =>
  `if (x < CHUNK) {
${forResults(count, (chunk, row) => `  if (own_first + ${row}u < u.tokens && x + ${chunk}u * CHUNK < VECTORS) { ${code(chunk, row)} }`)}
}`

/**
 * y = softmax(q k^T / sqrt(Dh)) v without the matrix of scores (Dao et al. 2022, arXiv 2205.14135): a workgroup has 32 queries of a head, goes over the
 * keys in tiles and keeps the largest score and the sum of exponentials so far. `saved` receives log2 of the sum of 2^(score log2 e) of each query.
 */
export function forwardProgram(headWidth: number): Program {
  const { count } = chunksOf(headWidth)
  const chunks = Array.from({ length: count }, (_, chunk) => chunk)
  return {
    key: `learngene attention ${headWidth}`,
    storage: storagesOf(headWidth).forward,
    uniforms: UNIFORMS,
    workgroupSize: [THREADS, 1, 1],
    code: `${sharedCode(headWidth, [])}
${storeCode('y', headWidth)}
${chunkTile('own')}
${chunkTile('other')}
${weightsOf('weights')}
var<workgroup> by_thread: array<vec4f, ${THREADS}>;

${HEAD}
  var largest = vec4f(LOWEST);
  var total = vec4f();
${forResults(count, (chunk, row) => `  var sum_${chunk}_${row} = vec4f();`)}
  for (var first = 0u; first < u.tokens; first += ${TILE}u) {
    let rows = min(${TILE}u, u.tokens - first);
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f();
    for (var chunk = 0u; chunk < VECTORS; chunk += CHUNK) {
      ${loadCode('own', 'own', 0, 'at.first', 'chunk')}
      ${loadCode('other', 'other', 1, 'first', 'chunk')}
      workgroupBarrier();
      ${productCode('s', 'own', 'other')}
      workgroupBarrier();
    }
${FOUR.map((j) => `    s${j} = select(vec4f(LOWEST), s${j} * LOG2_SCALE, x + ${SIDE * j}u < rows);`).join('\n')}
    by_thread[thread] = max(max(s0, s1), max(s2, s3));
    workgroupBarrier();
    var next = largest;
    for (var i = 0u; i < ${SIDE}u; i++) { next = max(next, by_thread[y * ${SIDE}u + i]); }
    let factor = exp2(largest - next);
    largest = next;
    total *= factor;
${FOUR.map((j) => `    let e${j} = exp2(s${j} - next);\n    total += e${j};\n    weights[(x + ${SIDE * j}u) * ${SIDE + 1}u + y] = e${j};`).join('\n')}
${forResults(count, (chunk, row) => `    sum_${chunk}_${row} *= factor[${row}];`)}
${chunks
  .map(
    (chunk) => `{
      ${loadCode('other', 'other', 2, 'first', `${chunk}u * CHUNK`)}
      workgroupBarrier();
      if (x < CHUNK) { ${mixCode('sum', chunk, 'weights', 'other')} }
      workgroupBarrier();
    }`,
  )
  .join('\n')}
  }
  by_thread[thread] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < ${SIDE}u; i++) { total += by_thread[y * ${SIDE}u + i]; }
  ${forStores(count, (chunk, row) => `store_y(start_plain(at, own_first + ${row}u), x + ${chunk}u * CHUNK, sum_${chunk}_${row} / total[${row}]);`)}
  if (x == 0u) {
    let log_sum = largest + log2(total);
    for (var i = 0u; i < 4u; i++) { if (own_first + i < u.tokens) { saved[statistic(at, own_first + i)] = log_sum[i]; } }
  }
}`,
  }
}

/** What a gradient program's own side and the other side are, as sources of their tiles. */
interface Sides {
  /** Multiplied with `other[0]`: scores; `own[1]` with `other[1]`: gradients of the probabilities. */
  readonly own: readonly [Source, Source]
  readonly other: readonly [Source, Source]
}

/** WGSL of the scores' and the probabilities' gradients between two tiles: vectors s0 .. s3 and d0 .. d3. */
const productsCode = ({ own, other }: Sides) => `
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f();
    var d0 = vec4f(); var d1 = vec4f(); var d2 = vec4f(); var d3 = vec4f();
    for (var chunk = 0u; chunk < VECTORS; chunk += CHUNK) {
      ${loadCode('own0', 'own', own[0], 'at.first', 'chunk')}
      ${loadCode('own1', 'own', own[1], 'at.first', 'chunk')}
      ${loadCode('other0', 'other', other[0], 'first', 'chunk')}
      ${loadCode('other1', 'other', other[1], 'first', 'chunk')}
      workgroupBarrier();
      ${productCode('s', 'own0', 'other0')}
      ${productCode('d', 'own1', 'other1')}
      workgroupBarrier();
    }`

/**
 * The gradient of the queries, into the first third of dqkv: dq = sum_k p_k (dp_k - delta) k_k / sqrt(Dh) with p from the saved logarithms, dp = dy v^T
 * and delta = sum(dy y), which it keeps for the other program.
 *
 * @param most vectors of a chunk
 */
export function queryGradientProgram(headWidth: number, most = SIDE): Program {
  const { count } = chunksOf(headWidth, most)
  const chunks = Array.from({ length: count }, (_, chunk) => chunk)
  return {
    key: `learngene attention query gradient ${headWidth} ${most}`,
    storage: storagesOf(headWidth).queryGradient,
    uniforms: UNIFORMS,
    workgroupSize: [THREADS, 1, 1],
    code: `${sharedCode(headWidth, ['y', 'dy'], most)}
${storeCode('dqkv', headWidth)}
${weightsOf('own0')}
${['own1', 'other0', 'other1'].map(chunkTile).join('\n')}
var<workgroup> by_thread: array<vec4f, ${THREADS}>;

${HEAD}
  var log_sum = vec4f();
  var product = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let row = own_first + i;
    if (row < u.tokens) {
      log_sum[i] = saved[statistic(at, row)];
      let start = start_plain(at, row);
      for (var c = x; c < VECTORS; c += ${SIDE}u) { product[i] += dot(read_dy(start, c), read_y(start, c)); }
    }
  }
  by_thread[thread] = product;
  workgroupBarrier();
  var dy_y = vec4f();
  for (var i = 0u; i < ${SIDE}u; i++) { dy_y += by_thread[y * ${SIDE}u + i]; }
  if (x == 0u) { for (var i = 0u; i < 4u; i++) { if (own_first + i < u.tokens) { delta[statistic(at, own_first + i)] = dy_y[i]; } } }
${forResults(count, (chunk, row) => `  var sum_${chunk}_${row} = vec4f();`)}
  for (var first = 0u; first < u.tokens; first += ${TILE}u) {
    let rows = min(${TILE}u, u.tokens - first);
    ${productsCode({ own: [0, 'dy'], other: [1, 2] })}
${FOUR.map((j) => `    own0[(x + ${SIDE * j}u) * ${SIDE + 1}u + y] = exp2(s${j} * LOG2_SCALE - log_sum) * (d${j} - dy_y) * SCALE;`).join('\n')}
${chunks
  .map(
    (chunk) => `{
      ${loadCode('other0', 'other', 1, 'first', `${chunk}u * CHUNK`)}
      workgroupBarrier();
      if (x < CHUNK) { ${mixCode('sum', chunk, 'own0', 'other0')} }
      workgroupBarrier();
    }`,
  )
  .join('\n')}
  }
  ${forStores(count, (chunk, row) => `store_dqkv(start_packed(at, own_first + ${row}u, 0u), x + ${chunk}u * CHUNK, sum_${chunk}_${row});`)}
}`,
  }
}

/**
 * The gradients of keys and values, into the other thirds of dqkv: dv = sum_q p_q dy_q, dk = sum_q p_q (dp_q - delta_q) q_q / sqrt(Dh). A workgroup has
 * 32 keys and goes over the queries.
 *
 * @param most vectors of a chunk
 */
export function keyGradientProgram(headWidth: number, most = SIDE): Program {
  const { count } = chunksOf(headWidth, most)
  const chunks = Array.from({ length: count }, (_, chunk) => chunk)
  return {
    key: `learngene attention key gradient ${headWidth} ${most}`,
    storage: storagesOf(headWidth).keyGradient,
    uniforms: UNIFORMS,
    workgroupSize: [THREADS, 1, 1],
    code: `${sharedCode(headWidth, ['dy'], most)}
${storeCode('dqkv', headWidth)}
${['own0', 'own1'].map(weightsOf).join('\n')}
${['other0', 'other1'].map(chunkTile).join('\n')}

${HEAD}
${forResults(count, (chunk, row) => `  var key_${chunk}_${row} = vec4f();\n  var value_${chunk}_${row} = vec4f();`)}
  for (var first = 0u; first < u.tokens; first += ${TILE}u) {
    let rows = min(${TILE}u, u.tokens - first);
    ${productsCode({ own: [1, 2], other: [0, 'dy'] })}
${FOUR.map(
  (j) => `    if (x + ${SIDE * j}u < rows) {
      let at_query = statistic(at, first + x + ${SIDE * j}u);
      let p = exp2(s${j} * LOG2_SCALE - saved[at_query]);
      let slot = (x + ${SIDE * j}u) * ${SIDE + 1}u + y;
      own1[slot] = p;
      own0[slot] = p * (d${j} - delta[at_query]) * SCALE;
    }`,
).join('\n')}
${chunks
  .map(
    (chunk) => `{
      ${loadCode('other0', 'other', 0, 'first', `${chunk}u * CHUNK`)}
      ${loadCode('other1', 'other', 'dy', 'first', `${chunk}u * CHUNK`)}
      workgroupBarrier();
      if (x < CHUNK) {
        ${mixCode('key', chunk, 'own0', 'other0')}
        ${mixCode('value', chunk, 'own1', 'other1')}
      }
      workgroupBarrier();
    }`,
  )
  .join('\n')}
  }
  ${forStores(
    count,
    (chunk, row) => `
    store_dqkv(start_packed(at, own_first + ${row}u, 1u), x + ${chunk}u * CHUNK, key_${chunk}_${row});
    store_dqkv(start_packed(at, own_first + ${row}u, 2u), x + ${chunk}u * CHUNK, value_${chunk}_${row});`,
  )}
}`,
  }
}
