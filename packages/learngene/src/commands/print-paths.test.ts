import { describe, expect, it } from 'vitest'
import type { Io } from '../io.js'
import type { PathRow } from './list-paths.js'
import { printPaths } from './print-paths.js'

/** Rows without end, or so many. */
function* rows(length = Number.POSITIVE_INFINITY): Generator<PathRow> {
  for (let id = 0; id < length; id++) yield { id, path: `ti9[0-${id}]`, macs: 1000 * id, parameters: id, memory: 4 * id }
}

/** What is written, piece by piece. */
function recorder(signal = new AbortController().signal) {
  const pieces: string[] = []
  const io: Io = { stdout: { write: (text) => pieces.push(text) }, stderr: { write: () => {} }, signal, env: {} }
  return { io, pieces }
}

describe('printPaths', () => {
  it('prints one JSON document, in pieces', async () => {
    const { io, pieces } = recorder()
    await printPaths(io, rows(2500), true)
    const text = pieces.join('')
    const document = { paths: [...rows(2500)] }
    expect(text).toBe(`${JSON.stringify(document, null, 2)}\n`)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(text.length / 2)
  })

  it('prints one table, in pieces', async () => {
    const { io, pieces } = recorder()
    await printPaths(io, rows(2500), false)
    const lines = pieces.join('').trimEnd().split('\n')
    expect(lines).toHaveLength(2 + 2500)
    expect(lines.filter((line) => line.includes('path'))).toHaveLength(1)
    expect(lines.at(-1)).toMatch(/^2499 {2}ti9\[0-2499\] +2\.50 k {2}2\.50 M$/)
  })

  it.each([true, false])('ends where it is interrupted, however many rows there are (json: %s)', async (json) => {
    const interruption = new AbortController()
    const { io, pieces } = recorder(interruption.signal)
    const write = io.stdout.write
    io.stdout.write = (text) => {
      if (pieces.length > 3) interruption.abort(new Error('interrupted'))
      return write(text)
    }
    await expect(printPaths(io, rows(), json)).rejects.toThrow('interrupted')
    expect(pieces.length).toBeLessThan(10)
  })
})
