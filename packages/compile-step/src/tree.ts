import { Tensor } from '@tensorflow/tfjs-core'

/** Replaces each tensor of a nested value; plain objects and arrays are copied, anything else stays. */
export function mapTensors(value: unknown, change: (tensor: Tensor, path: string) => unknown, path = ''): unknown {
  if (value instanceof Tensor) return change(value, path)
  const inner = (name: string | number) => (path === '' ? `${name}` : `${path}.${name}`)
  if (Array.isArray(value)) return value.map((item, i) => mapTensors(item, change, inner(i)))
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, change, inner(name))]))
  }
  return value
}

/** The tensors of a nested value in the order of its properties. */
export function tensorsOf(value: unknown): Tensor[] {
  const tensors: Tensor[] = []
  mapTensors(value, (tensor) => tensors.push(tensor))
  return tensors
}

/**
 * What two nested values have in common when a recording made with one fits the other: names, shapes and types of tensors, and all plain values.
 *
 * @throws on values that cannot be compared so: functions, class instances, strings or complex numbers in tensors
 */
export function signatureOf(value: unknown, path = 'inputs'): string {
  if (value instanceof Tensor) {
    if (value.dtype === 'string' || value.dtype === 'complex64') throw inputError(path, `a tensor of ${value.dtype}`)
    return `${value.dtype}[${value.shape}]`
  }
  if (Array.isArray(value)) return `[${value.map((item, i) => signatureOf(item, `${path}.${i}`)).join()}]`
  if (isPlain(value)) {
    return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${signatureOf(item, `${path}.${name}`)}`)}}`
  }
  if (typeof value === 'object' && value !== null) throw inputError(path, `a ${value.constructor.name}`)
  if (typeof value === 'function' || typeof value === 'symbol') throw inputError(path, `a ${typeof value}`)
  return typeof value === 'string' ? JSON.stringify(value) : Object.is(value, -0) ? '-0' : String(value)
}

function isPlain(value: unknown): value is { [name: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const inputError = (path: string, what: string) =>
  new Error(
    `compileStep: inputs must be tensors of numbers, plain values, or objects and arrays of these; '${path}' is ${what}. Make a tensor of it`,
  )
