import type { Program } from '../dispatch.js'
import { type Epilogue, epilogueCode, epilogueKey, epilogueStorage, finishCode } from './epilogue.js'
import { elementType, type Operand, operandKey, operandLoader, type Staging, staging } from './operand.js'
import { SLICE, type Tile, threadsOf } from './tile.js'

export interface Product {
  readonly left: Operand
  readonly right: Operand
  readonly tile: Tile
  /** Whether the result's columns divide by 4. */
  readonly wide: boolean
  readonly epilogue: Epilogue
  /** Sums `left` over the depth as well, into `sums`: one per row of the result, but zero for rows from u.frozen_begin to u.frozen_end. */
  readonly sums: boolean
}

/** Depths of a slice that one round of the loop takes: of 4 and 16 what was faster, alone on an H100; with sums on an H200, in the loop before this one. */
const UNROLLED = { alone: SLICE, withSums: 4 }

/**
 * result[r, c] = sum over k of left[r, k] right[c, k], by tiles: a workgroup stages slices of both operands in its memory, each next one read while
 * the last is multiplied, and each thread accumulates its part of the tile in registers. Where it sums, workgroup z takes depths z u.share .. (z + 1) u.share - 1
 * only and writes to the z-th of as many results and sums one behind the other, counted from u.first_part. u.share must divide by SLICE unless there is one part.
 */
export function productProgram(product: Product): Program {
  const { left, right, tile, wide, epilogue, sums } = product
  const threads = threadsOf(tile)
  const across = tile.columns / tile.threadColumns
  const down = tile.rows / tile.threadRows
  const staged = [staged4(left, tile.rows, 'first_row', threads), staged4(right, tile.columns, 'first_column', threads)] as const
  const unrolled = UNROLLED[sums ? 'withSums' : 'alone']
  const groups = range(tile.threadRows / 4)
  const bands = range(tile.threadColumns / 4)
  const cells = groups.flatMap((i) => range(4).flatMap((r) => bands.map((j) => ({ i, r, j, name: `c${i}${r}${j}` }))))
  const multiplyFrom = (left: string, right: string) =>
    range(unrolled).map(
      (d) => `{
      ${groups.map((i) => `let a${i} = left_tile[${left} + ${d * staged[0].pitch + i * down}u];`).join(' ')}
      ${bands.map((j) => `let b${j} = right_tile[${right} + ${d * staged[1].pitch + j * across}u];`).join(' ')}
      ${cells.map(({ i, r, j, name }) => `${name} += a${i}[${r}] * b${j};`).join(' ')}
    }`,
    )
  const multiply =
    unrolled === SLICE
      ? lines(multiplyFrom('y', 'x'))
      : `for (var step = 0u; step < ${SLICE / unrolled}u; step++) {
    let left_at = step * ${unrolled * staged[0].pitch}u + y;
    let right_at = step * ${unrolled * staged[1].pitch}u + x;
    ${lines(multiplyFrom('left_at', 'right_at'))}
  }`
  const code = `
${operandLoader(left, 'u.rows')}
${operandLoader(right, 'u.columns')}
${epilogueCode(epilogue, wide)}
${staged.map(({ memory }) => memory).join('\n')}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first_row = group.y * ${tile.rows}u;
  let first_column = group.x * ${tile.columns}u;
  ${placeOf(across, down)}
  ${partCode(sums)}
  ${cells.map(({ name }) => `var ${name} = vec4f();`).join(' ')}
  ${sliceLoop(staged, { slice: SLICE, multiply, sum: sums ? (block) => `${block}[0] + ${block}[1] + ${block}[2] + ${block}[3]` : undefined })}
  ${finishCode(
    epilogue,
    cells.map(({ i, r, j, name }) => ({
      row: `first_row + ${i * down * 4 + r}u + 4u * y`,
      column: `first_column + ${j * across * 4}u + 4u * x`,
      value: name,
    })),
  )}
  ${sums ? sumsCode(staged[0], tile.rows, SLICE, 'left_tile') : ''}
}
${sums ? SUMS : ''}`
  return {
    key: `learngene product ${operandKey(left)} ${operandKey(right)} ${tile.rows}x${tile.columns} ${wide ? 4 : 1} ${epilogueKey(epilogue)} ${sums}`,
    storage: {
      left: { type: elementType(left.wide) },
      right: { type: elementType(right.wide) },
      ...epilogueStorage(epilogue, wide),
      ...(sums && { sums: { type: 'array<f32>', write: true } }),
    },
    uniforms: { rows: 'u32', columns: 'u32', depth: 'u32', ...(sums && SUMS_UNIFORMS) },
    workgroupSize: [threads, 1, 1],
    code,
  }
}

/** How a product's slices are multiplied. */
interface SliceLoop {
  /** Depths of a slice. */
  readonly slice: number
  /** WGSL that multiplies what is staged. */
  readonly multiply: string
  /** An expression of what a block of left adds to its sums, where there are any. */
  readonly sum: ((block: string) => string) | undefined
}

/**
 * WGSL that multiplies slice after slice, from `begin` to `end`. The next one is read before the last is multiplied and staged after it, in one round, so that registers carry nothing but results from
 * round to round; in the last round the last slice is read and staged once more, which costs less than a branch: an H100's compiler moves reads behind one, and copies around one what is carried.
 */
export function sliceLoop([left, right]: readonly [Staging, Staging], { slice, multiply, sum }: SliceLoop): string {
  const load = `${left.load}
    ${right.load}`
  const stage = `${left.stage}
    ${right.stage}`
  const add = sum && left.each((block) => `${block}_sum += ${sum(block)};`)
  return `${left.declare} ${right.declare}
  ${add ? left.declared.map((block) => `var ${block}_sum = vec4f();`).join(' ') : ''}
  let slices = (end - begin + ${slice - 1}u) / ${slice}u;
  {
    let k = begin;
    ${load}
    ${stage}
    ${add ?? ''}
  }
  workgroupBarrier();
  for (var slice = 0u; slice < slices; slice++) {
    let k = begin + min(slice + 1u, slices - 1u) * ${slice}u;
    ${load}
    ${multiply}
    workgroupBarrier();
    ${stage}
    ${add ? `if (slice + 1u < slices) { ${add} }` : ''}
    workgroupBarrier();
  }`
}

/**
 * WGSL of a thread's place in the tile. Thirty-two neighbours, which most GPUs run together, lie in a block of 4 x 8 where the tile has whole ones, so that they read few different vectors of either
 * side, and in it so that of any four neighbours each reads the same vector as one beside it, of the one side or of the other, which was faster on an H100. Else row by row, which was
 * faster there than blocks of 8 x 4.
 */
function placeOf(across: number, down: number): string {
  if (across % 8 !== 0 || down % 4 !== 0) return `let x = local % ${across}u;\n  let y = local / ${across}u;`
  return `let block = local / 32u;
  let x = block % ${across / 8}u * 8u + local / 2u % 8u;
  let y = block / ${across / 8}u * 4u + local / 16u % 2u * 2u + local % 2u;`
}

/** A slice in workgroup memory as rows of vectors along the outer dimension. */
function staged4(operand: Operand, outer: number, first: string, threads: number) {
  // One vector more than the tile has, so that threads that write one above the other meet different banks.
  const pitch = outer / 4 + 1
  const write = (block: string, outer: string, depth: string) =>
    range(4)
      .map((c) => `${operand.name}_tile[(${depth} + ${c}u) * ${pitch}u + ${outer} / 4u] = ${block}[${c}];`)
      .join(' ')
  const memory = `var<workgroup> ${operand.name}_tile: array<vec4f, ${SLICE * pitch}>;`
  return { pitch, memory, ...staging(operand, { outer, depth: SLICE, threads, first, write }) }
}

const lines = (code: readonly string[]) => code.join('\n    ')

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** WGSL of the part of a workgroup: its depths from `begin` to `end`, and `offset`, where its result begins. Products without sums have one part, and spare the registers. */
export const partCode = (sums: boolean) =>
  sums
    ? `let begin = group.z * u.share;
  let end = min(u.depth, begin + u.share);
  let part = group.z + u.first_part;
  let offset = part * u.rows * u.columns;`
    : `let begin = 0u;
  let end = u.depth;
  let offset = 0u;`

export const SUMS_UNIFORMS = { share: 'u32', first_part: 'u32', frozen_begin: 'u32', frozen_end: 'u32' } as const

/**
 * WGSL that adds the threads' sums of each row, in the order of the depth, in the first column of workgroups.
 *
 * @param memory an array of vectors in workgroup memory, of one for each block
 * @param finish an expression of the sums of four rows, of what they are added up to
 */
export function sumsCode({ each }: Staging, rows: number, slice: number, memory: string, finish = (sum: string) => sum): string {
  const across = slice / 4
  const parts = Array.from({ length: across }, (_, d) => `${memory}[local * ${across}u + ${d}u]`)
  return `workgroupBarrier();
  ${each((block, at) => `${memory}[${at.outer} / 4u * ${across}u + ${at.depth} / 4u] = ${block}_sum;`)}
  workgroupBarrier();
  if (group.x == 0u && local < ${rows / 4}u) { finish_sums(first_row + 4u * local, part, ${finish(parts.join(' + '))}); }`
}

/** WGSL of `finish_sums(row, part, value)`: writes the sums of four rows, and zeros for frozen ones. */
export const SUMS = `
fn finish_sums(row: u32, part: u32, value: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let at = row + i;
    if (at < u.rows) { sums[part * u.rows + at] = select(value[i], 0.0, at >= u.frozen_begin && at < u.frozen_end); }
  }
}`

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
