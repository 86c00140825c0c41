import { SLICE } from './tile.js'

/** One factor of a product: a matrix of outer x depth, where outer counts the result's rows or columns. */
export interface Operand {
  readonly name: 'left' | 'right'
  /** Which of the two is contiguous in memory: [outer, depth] is 'depth', [depth, outer] is 'outer'. */
  readonly contiguous: 'depth' | 'outer'
  /** Whether the contiguous dimension divides by 4, so that four values are read at once. */
  readonly wide: boolean
}

export const operandKey = ({ contiguous, wide }: Operand): string => `${contiguous}${wide ? 4 : 1}`

export const elementType = (wide: boolean): string => (wide ? 'array<vec4f>' : 'array<f32>')

/**
 * WGSL of `NAME_block(outer, k, end)`: four columns, column c with the values of `outer` .. `outer` + 3 at depth k + c. Depths from `end` on are
 * zeros, so that they add nothing; outer indices beyond the last repeat it, as their results are dropped.
 *
 * @param outerCount WGSL expression of the outer dimension
 */
export function operandLoader({ name, contiguous, wide }: Operand, outerCount: string): string {
  const read = wide ? wideRead(name) : narrowRead(name)
  return contiguous === 'depth'
    ? `
fn ${name}_row(outer: u32, k: u32, end: u32) -> vec4f {
  let at = min(outer, ${outerCount} - 1u) * u.depth + k;
  ${read('end - min(k, end)')}
}
fn ${name}_block(outer: u32, k: u32, end: u32) -> mat4x4f {
  return transpose(mat4x4f(${[0, 1, 2, 3].map((i) => `${name}_row(outer + ${i}u, k, end)`).join(', ')}));
}`
    : `
fn ${name}_column(outer: u32, k: u32, end: u32) -> vec4f {
  if (k >= end) { return vec4f(); }
  let at = k * ${outerCount} + outer;
  ${read(`${outerCount} - min(outer, ${outerCount})`)}
}
fn ${name}_block(outer: u32, k: u32, end: u32) -> mat4x4f {
  return mat4x4f(${[0, 1, 2, 3].map((c) => `${name}_column(outer, k + ${c}u, end)`).join(', ')});
}`
}

/** Reads four values from `at` on, of which the first `count` exist; where the dimension divides by 4 all do or none does. */
const wideRead = (name: string) => (count: string) =>
  `if (${count} == 0u) { return vec4f(); }
  return ${name}[at / 4u];`

const narrowRead = (name: string) => (count: string) =>
  `let count = ${count};
  var values = vec4f();
  ${['x', 'y', 'z', 'w'].map((c, i) => `if (count > ${i}u) { values.${c} = ${name}[at + ${i}u]; }`).join('\n  ')}
  return values;`

/**
 * WGSL that gives each thread its blocks of a slice: `declare` variables, `load` them from memory for the slice at `k`, `stage` them in workgroup memory
 * as `NAME_tile`, SLICE rows of `pitch` vectors each along the outer dimension.
 */
export function staging(operand: Operand, outer: number, first: string, threads: number) {
  const { name, contiguous } = operand
  const blocks = (outer * SLICE) / 16
  const rounds = Array.from({ length: Math.ceil(blocks / threads) }, (_, round) => round)
  const index = (round: number) => (round === 0 ? 'local' : `(local + ${round * threads}u)`)
  // Along the contiguous dimension neighbours in memory go to neighbouring threads.
  const slices = SLICE / 4
  const place = (q: string) =>
    contiguous === 'depth'
      ? { outer: `(${q} / ${slices}u)`, depth: `(${q} % ${slices}u)` }
      : { outer: `(${q} % ${outer / 4}u)`, depth: `(${q} / ${outer / 4}u)` }
  const guarded = (round: number, code: string) => (blocks < (round + 1) * threads ? `if (${index(round)} < ${blocks}u) { ${code} }` : code)
  // One vector more than the tile has, so that threads that write one above the other meet different banks.
  const pitch = outer / 4 + 1
  return {
    pitch,
    memory: `var<workgroup> ${name}_tile: array<vec4f, ${SLICE * pitch}>;`,
    declare: rounds.map((round) => `var ${name}_${round} = mat4x4f();`).join(' '),
    load: rounds
      .map((round) => {
        const at = place(index(round))
        return guarded(round, `${name}_${round} = ${name}_block(${first} + 4u * ${at.outer}, k + 4u * ${at.depth}, end);`)
      })
      .join(' '),
    stage: rounds
      .map((round) => {
        const at = place(index(round))
        const writes = [0, 1, 2, 3].map(
          (c) => `${name}_tile[(4u * ${at.depth} + ${c}u) * ${pitch}u + ${at.outer}] = ${name}_${round}[${c}];`,
        )
        return guarded(round, writes.join(' '))
      })
      .join(' '),
  }
}
