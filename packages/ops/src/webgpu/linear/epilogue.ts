import type { Program } from '../dispatch.js'
import { type Halves, LARGEST_FLOAT16 } from './halves.js'
import { elementType } from './operand.js'

/** What is done to a product's values before they are written, in this order. */
export interface Epilogue {
  /** Adds `bias`, one value per column. */
  readonly bias?: boolean
  /** Writes the values so far to `kept`. */
  readonly keep?: boolean
  readonly gelu?: boolean
  /** Multiplies by the derivative of GELU at `pre_activation`. */
  readonly geluDerivative?: boolean
  /** Adds `residual`. */
  readonly residual?: boolean
  /**
   * How `kept`, `pre_activation` and `result` are stored where they are float16; the result's columns divide by 4 then. `kept` saturates. `result` becomes what a product stages of it as its left
   * factor: it is multiplied by u.scale, and what is beyond float16's range becomes u.beyond.
   */
  readonly half?: Halves | undefined
}

export const epilogueKey = (epilogue: Epilogue): string =>
  Object.entries(epilogue)
    .flatMap(([name, on]) => (on ? [name] : []))
    .join('+')

/** The buffers of an epilogue, the result's own among them. */
export function epilogueStorage(epilogue: Epilogue, wide: boolean): Program['storage'] {
  const type = elementType(wide)
  const stored = elementType(wide, epilogue.half)
  return {
    ...(epilogue.bias && { bias: { type } }),
    ...(epilogue.geluDerivative && { pre_activation: { type: stored } }),
    ...(epilogue.residual && { residual: { type } }),
    ...(epilogue.keep && { kept: { type: stored, write: true } }),
    result: { type: stored, write: true },
  }
}

/** What an epilogue reads for each value, by the names of the buffers. */
const readsOf = ({ geluDerivative, residual }: Epilogue): string[] => [
  ...(geluDerivative ? ['pre_activation'] : []),
  ...(residual ? ['residual'] : []),
]

/**
 * WGSL of what {@link finishCode} calls: `finish(row, column, offset, value, ...)` writes four neighbouring values of one row, `offset` floats behind the beginning of the result,
 * and drops what lies outside of u.rows x u.columns; `NAME_at(row, column)` gives it what it reads.
 *
 * @param wide whether u.columns divides by 4
 */
export function epilogueCode(epilogue: Epilogue, wide: boolean): string {
  const read = (name: string, at: string) =>
    wide ? `${name}[(${at}) / 4u]` : `vec4f(${[0, 1, 2, 3].map((i) => `${name}[${at} + ${i}u]`).join(', ')})`
  const { half } = epilogue
  const readHere = (name: string) => {
    const four = read(name, 'at')
    return half && name === 'pre_activation' ? `vec4f(${half.unpack(four)})` : four
  }
  const readers = readsOf(epilogue).map(
    (name) => `fn ${name}_at(row: u32, column: u32) -> vec4f {
  let at = min(row, u.rows - 1u) * u.columns + ${wide ? 'min(column, u.columns - 4u)' : 'column'};
  return ${readHere(name)};
}`,
  )
  const write = (name: string, at: string, halves = '') =>
    wide
      ? `${name}[(${at}) / 4u] = ${half ? half.pack(`in_range4(${halves})`) : 'value'};`
      : `for (var i = 0u; i < min(4u, u.columns - column); i++) { ${name}[${at} + i] = value[i]; }`
  const parameters = readsOf(epilogue).map((name) => `, ${name}_value: vec4f`)
  return `
${epilogue.gelu || epilogue.geluDerivative ? GELU : ''}
${readers.join('\n')}
fn finish(row: u32, column: u32, offset: u32, product: vec4f${parameters.join('')}) {
  if (row >= u.rows || column >= u.columns) { return; }
  let at = row * u.columns + column;
  var value = product;
  ${epilogue.bias ? `value += ${read('bias', 'column')};` : ''}
  ${epilogue.keep ? write('kept', 'at', `value, ${LARGEST_FLOAT16}.0`) : ''}
  ${epilogue.gelu ? 'value = gelu(value);' : ''}
  ${epilogue.geluDerivative ? 'value *= gelu_derivative(pre_activation_value);' : ''}
  ${epilogue.residual ? 'value += residual_value;' : ''}
  ${write('result', 'offset + at', 'value * u.scale, u.beyond')}
}`
}

/** Four values of a product to be finished, and where in the result: WGSL expressions. */
interface Finished {
  readonly row: string
  readonly column: string
  readonly value: string
}

/** Values that are read before the first of them is used: a device does not read beyond a write, which might be to the same place. */
const READ_AHEAD = 8

/** WGSL that finishes values, those of a thread. */
export function finishCode(epilogue: Epilogue, cells: readonly Finished[]): string {
  const reads = readsOf(epilogue)
  const batches = Array.from({ length: Math.ceil(cells.length / READ_AHEAD) }, (_, i) => cells.slice(READ_AHEAD * i, READ_AHEAD * (i + 1)))
  const finish = ({ row, column, value }: Finished, i: number) =>
    `finish(${[row, column, 'offset', value, ...reads.map((name) => `${name}_${i}`)].join(', ')});`
  const readAll = ({ row, column }: Finished, i: number) => reads.map((name) => `let ${name}_${i} = ${name}_at(${row}, ${column});`)
  return batches.map((batch) => `{ ${[...batch.flatMap(readAll), ...batch.map(finish)].join('\n  ')} }`).join('\n  ')
}

/**
 * WGSL of `gelu(x)` and `gelu_derivative(x)` for four values: x Phi(x) and Phi(x) + x phi(x). Phi comes from its tail, which loses no digits far below
 * zero: Phi(-a) = exp(-a^2 / 2) t p(t), t = 1 / (1 + 0.35 a), with the polynomial of the wasm module (scripts/fit-approximations.mjs, relative error 4e-8).
 */
const GELU = `
fn gaussian(x: vec4f) -> vec4f { return exp(-0.5 * x * x); }
fn distribution(x: vec4f, g: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.35 * abs(x));
  var p = vec4f(-0.029679522075176663);
  p = p * t + 0.14654583064688087;
  p = p * t - 0.2609612290418329;
  p = p * t + 0.16505099671914386;
  p = p * t - 0.02704660885755995;
  p = p * t + 0.10711458784073731;
  p = p * t + 0.11944491678723934;
  p = p * t + 0.13991229813282732;
  p = p * t + 0.13961871256065533;
  let tail = t * p * g;
  return select(1.0 - tail, tail, x < vec4f());
}
fn gelu(x: vec4f) -> vec4f { return x * distribution(x, gaussian(x)); }
fn gelu_derivative(x: vec4f) -> vec4f {
  let g = gaussian(x);
  return distribution(x, g) + 0.3989422804014327 * x * g;
}`

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
