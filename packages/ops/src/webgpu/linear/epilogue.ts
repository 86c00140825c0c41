import type { Program } from '../dispatch.js'
import { GELU } from './gelu.js'
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
}

export const epilogueKey = (epilogue: Epilogue): string =>
  Object.entries(epilogue)
    .flatMap(([name, on]) => (on ? [name] : []))
    .join('+')

/** The buffers of an epilogue, the result's own among them. */
export function epilogueStorage(epilogue: Epilogue, wide: boolean): Program['storage'] {
  const type = elementType(wide)
  return {
    ...(epilogue.bias && { bias: { type } }),
    ...(epilogue.geluDerivative && { pre_activation: { type } }),
    ...(epilogue.residual && { residual: { type } }),
    ...(epilogue.keep && { kept: { type, write: true } }),
    result: { type, write: true },
  }
}

/**
 * WGSL of `finish(row, column, offset, value)`: writes four neighbouring values of one row, `offset` floats behind the beginning of the result,
 * and drops what lies outside of u.rows x u.columns.
 *
 * @param wide whether u.columns divides by 4
 */
export function epilogueCode(epilogue: Epilogue, wide: boolean): string {
  const read = (name: string, at: string) =>
    wide ? `${name}[${at} / 4u]` : `vec4f(${[0, 1, 2, 3].map((i) => `${name}[${at} + ${i}u]`).join(', ')})`
  const write = (name: string, at: string) =>
    wide ? `${name}[(${at}) / 4u] = value;` : `for (var i = 0u; i < min(4u, u.columns - column); i++) { ${name}[${at} + i] = value[i]; }`
  return `
${epilogue.gelu || epilogue.geluDerivative ? GELU : ''}
fn finish(row: u32, column: u32, offset: u32, product: vec4f) {
  if (row >= u.rows || column >= u.columns) { return; }
  let at = row * u.columns + column;
  var value = product;
  ${epilogue.bias ? `value += ${read('bias', 'column')};` : ''}
  ${epilogue.keep ? write('kept', 'at') : ''}
  ${epilogue.gelu ? 'value = gelu(value);' : ''}
  ${epilogue.geluDerivative ? `value *= gelu_derivative(${read('pre_activation', 'at')});` : ''}
  ${epilogue.residual ? `value += ${read('residual', 'at')};` : ''}
  ${write('result', 'offset + at')}
}`
}
