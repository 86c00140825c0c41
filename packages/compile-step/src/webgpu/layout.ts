import type { Capture } from './capture.js'
import { buffersOf, type Command, copyOf, isLogical, isUniform, type LogicalBuffer } from './commands.js'
import { groupByContent, type Packed, pack } from './pack.js'
import { type Lifetime, type Plan, planSlots } from './plan.js'

/** Which memory the buffers of a captured step are to have. */
export interface Layout {
  /** Those of the step, then a copy into the place of each output that needs one. */
  readonly commands: readonly Command[]
  /** Buffers that share slots of the arena, and their plan. */
  readonly shared: readonly LogicalBuffer[]
  readonly plan: Plan
  /** In the order of the step's outputs. Outputs have places of their own, which no command of another recording but its outputs writes. */
  readonly outputs: readonly LogicalBuffer[]
  /** Groups of buffers with the same values from the host, which need one place. */
  readonly constants: readonly (readonly LogicalBuffer[])[]
  readonly uniforms: Packed
  /** What all tensors of the step together take where each has a buffer of its own. */
  readonly logicalBytes: number
}

const UNIFORM_BLOCK = 65_536

/**
 * @param existing sizes of the arena's slots
 * @param alignment of bindings into a uniform buffer, bytes
 */
export function layOut(capture: Capture, existing: readonly number[], alignment: number): Layout {
  const commands = [...capture.commands]
  const inputs = new Set(capture.inputs)
  const kept = new Set(capture.kept.map(({ buffer }) => buffer))
  const outputs: LogicalBuffer[] = []
  for (const { buffer } of capture.outputs) {
    const own = isLogical(buffer) && !buffer.content && !inputs.has(buffer) && !kept.has(buffer) && !outputs.includes(buffer)
    const output: LogicalBuffer = own ? buffer : { logical: true, index: -1, size: buffer.size, content: null }
    if (!own) commands.push(copyOf(buffer, output, buffer.size))
    outputs.push(output)
  }

  const lifetimes = lifetimesOf(commands, inputs)
  const elsewhere = new Set([...kept, ...outputs])
  const used = capture.logicalBuffers.filter((buffer) => lifetimes.has(buffer) && !elsewhere.has(buffer))
  const shared = used.filter(({ content }) => !content)
  const withContent = new Map(used.flatMap((buffer) => (buffer.content ? [[buffer.content, buffer] as const] : [])))
  return {
    commands,
    shared,
    plan: planSlots(
      shared.map((buffer) => lifetimes.get(buffer)!),
      existing,
    ),
    outputs,
    constants: Array.from(groupByContent(withContent.keys()).values(), (same) => same.map((content) => withContent.get(content as never)!)),
    uniforms: pack(uniformsOf(commands), UNIFORM_BLOCK, alignment),
    logicalBytes: capture.logicalBuffers.reduce((sum, { size }) => sum + size, 0),
  }
}

function lifetimesOf(commands: readonly Command[], inputs: ReadonlySet<LogicalBuffer>): Map<LogicalBuffer, Lifetime> {
  const lifetimes = new Map<LogicalBuffer, Lifetime>()
  for (const [now, command] of commands.entries()) {
    for (const buffer of buffersOf(command)) {
      if (!isLogical(buffer)) continue
      const first = lifetimes.get(buffer)?.first ?? (inputs.has(buffer) ? -1 : now)
      lifetimes.set(buffer, { size: buffer.size, first, last: now })
    }
  }
  return lifetimes
}

const uniformsOf = (commands: readonly Command[]) =>
  commands.flatMap((command) =>
    command.kind === 'copy' ? [] : command.bindings.flatMap((binding) => (isUniform(binding) ? [binding.content] : [])),
  )
