import { describe, requireArguments } from '@learngene/vit-blocks'
import { createPath, type Path, type Segment, segmentProblem } from './path.js'

/** The canonical text of a path, `ti9[0-5]>ba9[6-8]`; a segment of one block reads `ti9[5-5]`. */
export function formatPath(path: Path): string {
  requireArguments('formatPath', { path: ['path', path] })
  return path.segments.map(({ tier, first, last }) => `${tier}[${first}-${last}]`).join('>')
}

/**
 * Reads a path, the inverse of `formatPath`. Also accepts `ti9[5]` for `ti9[5-5]`; nothing else is optional, spaces and leading zeros are refused.
 *
 * @throws one line that names the position (counted from 0), what was expected there and what came.
 */
export function parsePath(text: string): Path {
  if (typeof text !== 'string') throw new Error(`parsePath: a path's text reads like ti9[0-5]>ba9[6-8]; got ${describe(text)}`)
  let position = 0
  const fail = (problem: string, start = position): never => {
    throw new Error(`a path reads like ti9[0-5]>ba9[6-8]: at position ${start} of ${quote(text)} ${problem}`)
  }
  const read = (pattern: RegExp, expected: string): string => {
    pattern.lastIndex = position
    const found = pattern.exec(text)
    if (!found) return fail(`expected ${expected}, got ${position < text.length ? quote(text.charAt(position)) : 'the end'}`)
    position += found[0].length
    return found[0]
  }
  const readBlock = () => Number(read(/0(?!\d)|[1-9]\d*/y, 'a block number without leading zeros'))
  const segments: Segment[] = []
  do {
    const start = position
    const tier = read(/[A-Za-z][A-Za-z0-9_.-]*/y, 'a tier name, which starts with a letter')
    read(/\[/y, '"[" and the blocks of the tier')
    const first = readBlock()
    const close = read(/[\]-]/y, '"-" and the last block, or "]"')
    const last = close === ']' ? first : readBlock()
    if (close === '-') read(/\]/y, '"]"')
    const segment = { tier, first, last }
    const problem = segmentProblem(segment, segments.at(-1))
    if (problem) fail(problem, start)
    segments.push(segment)
  } while (position < text.length && read(/>/y, '">" or the end'))
  return createPath(segments)
}

/** The text on one line, cut where it is too long to read. */
function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text)
}
