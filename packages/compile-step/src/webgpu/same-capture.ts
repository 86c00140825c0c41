import type { Capture } from './capture.js'
import { type Binding, type BufferRef, type Command, isLogical, isUniform, type LogicalBuffer } from './commands.js'
import { equalBytes } from './pack.js'

/**
 * Says how two runs of a step differ, or undefined where they do the same. What differs comes from the host: random numbers, a counter, the time; a
 * recording would repeat the first of them for ever.
 */
export function differenceOf(a: Capture, b: Capture): string | undefined {
  const counts = [a, b].map(({ commands }) => commands.length)
  if (counts[0] !== counts[1]) return `${counts[0]} commands the first time, ${counts[1]} the second`
  const changed = a.commands.findIndex((command, i) => !sameCommand(command, b.commands[i]!))
  if (changed >= 0)
    return `command ${changed + 1} of ${counts[0]} (${labelOf(a.commands[changed]!)}) has other numbers or shapes the second time`
  if (!sameContents(a.logicalBuffers, b.logicalBuffers)) return 'values made on the host are others the second time'
  const outputs = a.outputs.length === b.outputs.length && a.outputs.every(({ buffer }, i) => sameBuffer(buffer, b.outputs[i]!.buffer))
  return outputs ? undefined : 'it returns other tensors the second time'
}

const labelOf = (command: Command) => (command.kind === 'copy' ? 'a copy' : command.pipeline.label || 'a dispatch')

function sameCommand(a: Command, b: Command): boolean {
  if (a.kind === 'copy' || b.kind === 'copy') {
    if (a.kind !== 'copy' || b.kind !== 'copy') return false
    const numbers = a.fromOffset === b.fromOffset && a.toOffset === b.toOffset && a.size === b.size
    return numbers && sameBuffer(a.from, b.from) && sameBuffer(a.to, b.to)
  }
  return (
    a.pipeline === b.pipeline &&
    a.workgroups.every((count, i) => count === b.workgroups[i]) &&
    a.bindings.length === b.bindings.length &&
    a.bindings.every((binding, i) => sameBinding(binding, b.bindings[i]!))
  )
}

function sameBinding(a: Binding, b: Binding): boolean {
  if (a.binding !== b.binding) return false
  if (isUniform(a) || isUniform(b)) return isUniform(a) && isUniform(b) && equalBytes(a.content, b.content)
  return a.offset === b.offset && a.size === b.size && sameBuffer(a.buffer, b.buffer)
}

const sameBuffer = (a: BufferRef, b: BufferRef) => (isLogical(a) && isLogical(b) ? a.index === b.index : a === b)

const sameContents = (a: readonly LogicalBuffer[], b: readonly LogicalBuffer[]) =>
  a.length === b.length &&
  a.every(({ size, content }, i) => {
    const other = b[i]!
    return size === other.size && (content && other.content ? equalBytes(content, other.content) : content === other.content)
  })
