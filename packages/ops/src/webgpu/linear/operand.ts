import type { Halves } from './halves.js'

/** One factor of a product: a matrix of outer x depth, where outer counts the result's rows or columns. */
export interface Operand {
  readonly name: 'left' | 'right'
  /** Which of the two is contiguous in memory: [outer, depth] is 'depth', [depth, outer] is 'outer'. */
  readonly contiguous: 'depth' | 'outer'
  /** Whether the contiguous dimension divides by 4, so that four values are read at once. */
  readonly wide: boolean
  /** Whether slices end where the depth does, so that none reads beyond it. */
  readonly whole: boolean
  /** How its values are read where they are float16; it is wide then. */
  readonly half?: Halves | undefined
}

export const operandKey = ({ contiguous, wide, whole, half }: Operand): string =>
  `${contiguous}${wide ? 4 : 1}${half ? 'h' : ''}${whole ? '' : ' ragged'}`

/** Of a buffer, as it is bound. */
export function elementType(wide: boolean, half?: Halves): string {
  if (half) return 'array<vec2u>'
  return wide ? 'array<vec4f>' : 'array<f32>'
}

/** What the names of vectors and matrices of an operand's values end with. */
const suffixOf = ({ half }: Operand): string => (half?.element === 'f16' ? 'h' : 'f')

/**
 * WGSL of `NAME_block(outer, k, end)`: four columns, column c with the values of `outer` .. `outer` + 3 at depth k + c. Depths from `end` on are
 * zeros, so that they add nothing; outer indices beyond the last give any values, as their results are dropped.
 *
 * @param outerCount WGSL expression of the outer dimension
 */
export function operandLoader(operand: Operand, outerCount: string): string {
  const { name, contiguous } = operand
  const [vector, matrix] = [`vec4${suffixOf(operand)}`, `mat4x4${suffixOf(operand)}`]
  return contiguous === 'depth'
    ? `
fn ${name}_row(outer: u32, k: u32, end: u32) -> ${vector} {
  ${rowCode(operand, outerCount)}
}
fn ${name}_block(outer: u32, k: u32, end: u32) -> ${matrix} {
  return transpose(${matrix}(${[0, 1, 2, 3].map((i) => `${name}_row(outer + ${i}u, k, end)`).join(', ')}));
}`
    : `
fn ${name}_column(outer: u32, k: u32, end: u32) -> ${vector} {
  ${columnCode(operand, outerCount)}
}
fn ${name}_block(outer: u32, k: u32, end: u32) -> ${matrix} {
  return ${matrix}(${[0, 1, 2, 3].map((c) => `${name}_column(outer, k + ${c}u, end)`).join(', ')});
}`
}

/** Four depths of one outer index. Where all of them exist nothing is asked, since a branch holds the loads up. */
function rowCode(operand: Operand, outerCount: string): string {
  const at = `min(outer, ${outerCount} - 1u) * u.depth + k`
  return operand.wide && operand.whole ? readFour(operand, at) : `let at = ${at};\n  ${readSome(operand, 'end - min(k, end)')}`
}

/** Four outer indices at one depth. */
function columnCode(operand: Operand, outerCount: string): string {
  if (operand.wide && operand.whole) return readFour(operand, `k * ${outerCount} + min(outer, ${outerCount} - 4u)`)
  return `if (k >= end) { return vec4${suffixOf(operand)}(); }
  let at = k * ${outerCount} + outer;
  ${readSome(operand, `${outerCount} - min(outer, ${outerCount})`)}`
}

function readFour(operand: Operand, at: string): string {
  const four = `${operand.name}[(${at}) / 4u]`
  return `return ${operand.half ? operand.half.unpack(four) : four};`
}

/** Reads four values from `at` on, of which the first `count` exist; where the dimension divides by 4 all do or none does. */
function readSome(operand: Operand, count: string): string {
  if (operand.wide) return `if (${count} == 0u) { return vec4${suffixOf(operand)}(); }\n  ${readFour(operand, 'at')}`
  return `let count = ${count};
  var values = vec4f();
  ${['x', 'y', 'z', 'w'].map((c, i) => `if (count > ${i}u) { values.${c} = ${operand.name}[at + ${i}u]; }`).join('\n  ')}
  return values;`
}

/** Where a thread's blocks of a slice go: 4 outer indices times 4 depths each. */
export interface Slice {
  /** Outer indices of the tile. */
  readonly outer: number
  readonly depth: number
  readonly threads: number
  /** WGSL expression of the tile's first outer index. */
  readonly first: string
  /** WGSL that writes a block, four columns of one depth each, whose first element has these indices in the slice. */
  write(block: string, outer: string, depth: string): string
}

export type Staging = ReturnType<typeof staging>

/** WGSL that gives each thread its blocks of a slice: `declare` variables, `load` them from memory for the slice at `k`, `stage` them in workgroup memory. */
export function staging(operand: Operand, slice: Slice) {
  const { name, contiguous } = operand
  const blocks = (slice.outer * slice.depth) / 16
  const rounds = Array.from({ length: Math.ceil(blocks / slice.threads) }, (_, round) => round)
  const index = (round: number) => (round === 0 ? 'local' : `(local + ${round * slice.threads}u)`)
  // Along the contiguous dimension neighbours in memory go to neighbouring threads.
  const place = (q: string) => {
    if (contiguous === 'outer') return { outer: `4u * (${q} % ${slice.outer / 4}u)`, depth: `4u * (${q} / ${slice.outer / 4}u)` }
    // Of four blocks along the depth two go to neighbours, the others to threads 16 further on: eight neighbours write to different banks then, in rows of an odd number of vectors.
    return slice.depth === 16 && slice.outer % 32 === 0
      ? { outer: `4u * (${q} / 2u % 8u + ${q} / 32u * 8u)`, depth: `4u * (${q} % 2u + ${q} / 16u % 2u * 2u)` }
      : { outer: `4u * (${q} / ${slice.depth / 4}u)`, depth: `4u * (${q} % ${slice.depth / 4}u)` }
  }
  const guarded = (round: number, code: string) =>
    blocks < (round + 1) * slice.threads ? `if (${index(round)} < ${blocks}u) { ${code} }` : code
  const each = (code: (variable: string, at: { readonly outer: string; readonly depth: string }) => string) =>
    rounds.map((round) => guarded(round, code(`${name}_${round}`, place(index(round))))).join(' ')
  const declared = rounds.map((round) => `${name}_${round}`)
  return {
    declare: declared.map((variable) => `var ${variable} = mat4x4${suffixOf(operand)}();`).join(' '),
    /** Names of the variables. */
    declared,
    load: each((variable, at) => `${variable} = ${name}_block(${slice.first} + ${at.outer}, k + ${at.depth}, end);`),
    stage: each((variable, at) => slice.write(variable, at.outer, at.depth)),
    /** Further code for each of a thread's blocks. */
    each,
    blocks,
  }
}
