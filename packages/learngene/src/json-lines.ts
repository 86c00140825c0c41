import type { ZodType } from 'zod'
import { UsageError } from './errors.js'
import { withoutMark } from './without-mark.js'

/** What the lines of a file are. */
export interface LineKind<T> {
  readonly schema: ZodType<T>
  /** As errors call one: 'a unit'. */
  readonly name: string
  /** What to do about a line that is none. */
  readonly remedy: string
}

/**
 * The lines of a file of JSON, each checked; a byte order mark and line endings of Windows are taken.
 *
 * @throws UsageError of one line that names the file, the line and what is wrong there
 */
export function decodeLines<T>(text: string, file: string, { schema, name, remedy }: LineKind<T>): readonly T[] {
  const lines = withoutMark(text).trimEnd().split(/\r?\n/)
  if (lines.length === 1 && lines[0] === '') return []
  return lines.map((line, i) => {
    const where = `${file}:${i + 1}`
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (error) {
      throw new UsageError(`${where}: must be ${name} as JSON: ${line.trim() === '' ? 'it is empty' : (error as Error).message}; ${remedy}`)
    }
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const { path, message } = parsed.error.issues[0]!
    throw new UsageError(`${where}: ${path.length > 0 ? `'${path.join('.')}'` : 'it'} cannot be: ${message}; ${remedy}`)
  })
}
