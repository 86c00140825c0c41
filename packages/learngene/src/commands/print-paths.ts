import { setImmediate } from 'node:timers/promises'
import type { Io } from '../io.js'
import { formatCount, textTable } from '../report/text.js'
import type { PathRow } from './list-paths.js'

/** Rows that are held and aligned together. */
const CHUNK = 1000

/** Prints paths as they come, as the JSON document `{"paths":[...]}` or a table, in memory that does not grow with their number. */
export async function printPaths(io: Io, rows: Iterable<PathRow>, json: boolean): Promise<void> {
  let chunk: PathRow[] = []
  let chunks = 0
  const flush = async () => {
    io.stdout.write(json ? jsonRows(chunk, chunks === 0) : tableRows(chunk, chunks === 0))
    chunk = []
    chunks++
    await setImmediate()
    io.signal.throwIfAborted()
  }
  if (json) io.stdout.write('{\n  "paths": [')
  for (const row of rows) {
    chunk.push(row)
    if (chunk.length === CHUNK) await flush()
  }
  if (chunk.length > 0) await flush()
  if (json) io.stdout.write('\n  ]\n}\n')
}

function jsonRows(rows: readonly PathRow[], first: boolean): string {
  return rows.map((row, i) => `${first && i === 0 ? '' : ','}\n${JSON.stringify(row, null, 2).replaceAll(/^/gm, '    ')}`).join('')
}

function tableRows(rows: readonly PathRow[], first: boolean): string {
  const cells = rows.map(({ id, path, macs, parameters }) => [String(id), path, formatCount(parameters), formatCount(macs)])
  const table = textTable(['id', 'path', 'parameters', 'MACs'], cells, ['right', 'left', 'right', 'right'])
  return `${first ? table : table.split('\n').slice(2).join('\n')}\n`
}
