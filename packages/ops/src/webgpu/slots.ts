import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from './backend.js'
import { dispatch, grid, type Program } from './dispatch.js'

const THREADS = 256
const PER_THREAD = 4
const GROUP_VALUES = THREADS * PER_THREAD

/** What is done to every value of several parameters, as many of them in one dispatch as there are storage buffers for. */
export interface SlotsProgram {
  /** Unique among all programs. */
  readonly name: string
  /** Tensors of each parameter by name, all of its size; true where they are written. */
  readonly operands: { readonly [name: string]: boolean }
  /** Whether there is a table [2 P, C]: `number(row, k)` are a parameter's numbers, `factor(row)` that of its gradient. */
  readonly table: boolean
  /** Constants, floats of `u`. */
  readonly constants: readonly string[]
  /**
   * Statements for the value `at`.
   *
   * @param of the buffer of an operand
   * @param row of the parameter in the table
   */
  readonly code: (of: (operand: string) => string, row: string) => string
}

/**
 * For dispatches over several tensors, each with `u.end`, the workgroups up to its last, and `u.count` values: code for each value `at` of the workgroup's own tensor. Threads are neighbours
 * in memory, and each takes `perThread` values.
 */
export function eachValue(tensors: number, threads: number, perThread: number, code: (tensor: number) => string): string {
  return Array.from({ length: tensors }, (_, i) => {
    const begin = i === 0 ? '0u' : `u.end${i - 1}`
    return `  if (index >= ${begin} && index < u.end${i}) {
    for (var k = 0u; k < ${perThread}u; k++) {
      let at = (index - ${begin}) * ${threads * perThread}u + k * ${threads}u + thread;
      if (at < u.count${i}) {${code(i)}}
    }
  }`
  }).join('\n')
}

/** One parameter: its tensors by operand, and its row of the table. */
export interface SlotTensors {
  readonly tensors: { readonly [operand: string]: TensorInfo }
  readonly row?: number
}

/** @param table [2 P, C] where the program wants one */
export function dispatchSlots(
  backend: WebGPUBackend,
  program: SlotsProgram,
  slots: readonly SlotTensors[],
  constants: { readonly [name: string]: number },
  table?: TensorInfo,
): void {
  const names = Object.keys(program.operands)
  const buffers = backend.device.limits.maxStorageBuffersPerShaderStage - (table ? 1 : 0)
  const perDispatch = Math.floor(buffers / names.length)
  const sized = slots.map((slot) => ({ ...slot, count: util.sizeFromShape(slot.tensors[names[0]!]!.shape) }))
  const filled = sized.filter(({ count }) => count > 0)
  const shape: { [name: string]: number } = table ? { rows: table.shape[0]! / 2, columns: table.shape[1]! } : {}
  for (let first = 0; first < filled.length; first += perDispatch) {
    const taken = filled.slice(first, first + perDispatch)
    const tensors: { [name: string]: TensorInfo } = table ? { table } : {}
    const uniforms: { [name: string]: number } = { ...constants, ...shape }
    let end = 0
    for (const [i, { count, row = 0, tensors: own }] of taken.entries()) {
      end += Math.ceil(count / GROUP_VALUES)
      Object.assign(uniforms, { [`row${i}`]: row, [`count${i}`]: count, [`end${i}`]: end })
      for (const name of names) tensors[`${name}${i}`] = own[name]!
    }
    dispatch(backend, slotsProgram(program, taken.length), tensors, uniforms, grid(end))
  }
}

/** The shader for so many parameters; each has `end`, the workgroups up to its last, and `count` values. */
function slotsProgram({ name, operands, table, constants, code }: SlotsProgram, slots: number): Program {
  const each = <T>(value: (slot: number) => T) => Array.from({ length: slots }, (_, slot) => value(slot))
  const fields = each((i) => [`row${i}`, `count${i}`, `end${i}`]).flat()
  const storage = each((i) =>
    Object.entries(operands).map(([operand, write]) => [`${operand}${i}`, { type: 'array<f32>', write }] as const),
  )
  return {
    key: `learngene ${name} ${slots}`,
    storage: { ...(table && { table: { type: 'array<f32>' } }), ...Object.fromEntries(storage.flat()) },
    uniforms: {
      ...Object.fromEntries(constants.map((constant) => [constant, 'f32'] as const)),
      ...(table && { rows: 'u32', columns: 'u32' }),
      ...Object.fromEntries(fields.map((field) => [field, 'u32'] as const)),
    },
    workgroupSize: [THREADS, 1, 1],
    code: `${table ? TABLE : ''}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.y * groups.x + group.x;
${eachValue(slots, THREADS, PER_THREAD, (i) => code((operand) => `${operand}${i}[at]`, `u.row${i}`))}
}`,
  }
}

const TABLE = `
fn number(row: u32, k: u32) -> f32 { return table[row * u.columns + k]; }
fn factor(row: u32) -> f32 { return table[(u.rows + row) * u.columns]; }`
