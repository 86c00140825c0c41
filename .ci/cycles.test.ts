import { describe, expect, it } from 'vitest'
import { findCycles, readSources } from './import-graph'

describe('circular imports', () => {
  it('finds the shortest cycle through each knot', () => {
    const graph = new Map(Object.entries({ a: ['b'], b: ['c', 'd'], c: ['a'], d: ['d'], e: ['a', 'f'], f: ['g'], g: ['f', 'h'], h: [] }))
    expect(findCycles(graph)).toEqual([
      ['a', 'b', 'c', 'a'],
      ['d', 'd'],
      ['f', 'g', 'f'],
    ])
  })

  it('there are none among the sources, types included', () => {
    const graph = new Map(readSources().map(({ file, imports }) => [file, imports.flatMap((each) => each.file ?? [])]))
    expect(findCycles(graph).map((cycle) => cycle.join(' -> '))).toEqual([])
  })

  it('knows the source that every import among them means', () => {
    const unknown = readSources().flatMap(({ file, imports }) =>
      imports.flatMap((each) => (each.file === undefined && /^\.|learngene/.test(each.specifier) ? [`${file}: ${each.specifier}`] : [])),
    )
    expect(unknown.filter((each) => !/\.(json|mjs)$/.test(each))).toEqual([])
  })
})
