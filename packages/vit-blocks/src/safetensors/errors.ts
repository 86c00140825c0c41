/** Something is wrong with a safetensors file or with what should become one. The message is a single line naming file, tensor, rule and values. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'

  constructor(message: string) {
    super(message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '))
  }
}

const longest = 80

/** A value from a file as it appears in a message: JSON, cut where it is long or nested. */
export function describe(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.slice(0, longest).map(outline).join(',')}]` : outline(value)
  return text.length <= longest ? text : `${text.slice(0, longest)}...`
}

/** Does not descend: a file may nest its header deeper than the stack reaches. */
function outline(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing'
  return Array.isArray(value) ? '[...]' : '{...}'
}

/** `[2, 3]` */
export function describeShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}

/** The first few of the items; the rest only counted. */
export function describeList(items: readonly string[], shown = 3): string {
  const rest = items.length - shown
  return items.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
