import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '@learngene/recipe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { decodeResults, encodeResults, joinResults, ownResults, type ResultLine, readResults, writeResults } from './results-file.js'
import type { PlannedCell } from './study-folder.js'

const hash = (digit: string) => digit.repeat(64)
const measured = { smallestMacs: 10, smallestParameters: 100, smallest: 0.5, best: 0.75, stored: 1234 }
const made = { createdBy: '@learngene/recipe 0.1.0', created: '2026-01-02T03:04:05.000Z' }

const shared = { stage: 'ancestor', key: hash('a'), seconds: 10 }

/** A line of a cell whose last stage has the key `digit`. */
const lineOf = (cell: string, digit: string, more: Partial<ResultLine> = {}): ResultLine => ({
  ...{ schema: 1, cell, variant: cell, start: 'inherit', seed: 0, key: hash(digit), measures: measured },
  ...{ stages: [shared, { stage: 'choose', key: hash(digit), seconds: 1 }], ...made },
  ...more,
})

const cellOf = (name: string, digit: string) =>
  ({
    cell: { name, variant: name, questions: [1], start: 'inherit', seed: 0, stage: 'choose' },
    stages: [
      { stage: { name: 'ancestor' }, key: hash('a') },
      { stage: { name: 'choose' }, key: hash(digit) },
    ],
  }) as unknown as PlannedCell

const artifactOf = (stage: string, digit: string, seconds: number, testAccuracy = 0.25) => {
  const descendants = [{ path: 'w6', macs: 10, parameters: 100, validationAccuracy: 0.5, testAccuracy, stitched: false }]
  const info = { descendants, storage: { pool: { parameters: 1 } }, ancestor: { testAccuracy: 0.75 } }
  const manifest = { stage, key: hash(digit), createdBy: '@learngene/recipe 0.2.0', created: made.created, info, account: { seconds } }
  return [hash(digit), { stage, info, manifest } as unknown as Artifact] as const
}

const foundIn = (file: string, ...lines: ResultLine[]) => decodeResults(encodeResults(lines), file)
const none = new Map<string, Artifact>()

describe('a file of results', () => {
  it('gives back what was written, in the same letters', () => {
    const lines = [lineOf('a', '1'), lineOf('b', '2', { measures: { ...measured, ancestor: 0.2 }, stages: [] })]
    const text = encodeResults(lines)
    const found = decodeResults(text, 'r.jsonl')
    expect(found).toEqual([
      { line: lines[0], where: 'r.jsonl:1' },
      { line: lines[1], where: 'r.jsonl:2' },
    ])
    expect(encodeResults(found.map(({ line }) => line))).toBe(text)
    expect(decodeResults(`\uFEFF${text.replaceAll('\n', '\r\n')}`, 'r.jsonl')).toEqual(found)
  })

  it.each<[string, object | string, string]>([
    ['no JSON', '{"schema":1,', 'must be a result as JSON'],
    ['another schema', { schema: 2 }, "'schema' cannot be"],
    ['a key that is no hash', { key: 'abc' }, "'key' cannot be: must be a SHA-256 in hexadecimal"],
    ['a share above 1', { measures: { ...measured, best: 75 } }, "'measures.best' cannot be"],
    ['a measure too few', { measures: { ...measured, smallest: undefined } }, "'measures.smallest' cannot be"],
    ['a measure too many', { measures: { ...measured, other: 1 } }, "'measures' cannot be: Unrecognized key"],
    ['seconds below 0', { stages: [{ ...shared, seconds: -1 }] }, "'stages.0.seconds' cannot be"],
  ])('tells the line with %s', (_, change, message) => {
    const good = encodeResults([lineOf('a', '1')])
    const line = typeof change === 'string' ? change : JSON.stringify({ ...JSON.parse(good), ...change })
    const decode = () => decodeResults(`${good}${line}\n`, 'dir/r.jsonl')
    expect(decode).toThrow(UsageError)
    expect(decode).toThrow(/^dir\/r\.jsonl:2: [^\n]*; take the line out$/)
    expect(decode).toThrow(message)
  })

  describe('of a folder', () => {
    let dir: string
    beforeAll(async () => {
      dir = await temporaryDirectory()
    })
    afterAll(() => rm(dir, { recursive: true }))

    it('need not be there, where one that is named must', async () => {
      expect(await ownResults(dir)).toEqual([])
      await expect(readResults('nowhere.jsonl')).rejects.toThrow(
        "nowhere.jsonl cannot be read (ENOENT); name a file that 'learngene study report' wrote",
      )
    })

    it('is what was joined, cells in their order and then the others, and told where it is damaged', async () => {
      const own = foundIn('own', lineOf('other', '9'), lineOf('b', '2'), lineOf('a', '1'))
      await writeResults(dir, joinResults([cellOf('a', '1'), cellOf('b', '2')], none, own))
      expect((await ownResults(dir)).map(({ line }) => line.cell)).toEqual(['a', 'b', 'other'])
      await writeFile(join(dir, 'results.jsonl'), '{}\n')
      await expect(ownResults(dir)).rejects.toThrow(`${join(dir, 'results.jsonl')}:1: 'schema' cannot be`)
    })
  })
})

describe('results', () => {
  const cells = [cellOf('a', '1'), cellOf('b', '2'), cellOf('c', '3')]

  it('are those of lines with the key of a cell, by whatever name; others are counted, and kept where they are the own ones', () => {
    const own = foundIn('own', lineOf('b', '2'), lineOf('old', '8'))
    const given = foundIn('given', lineOf('b', '2'), lineOf('renamed', '1'), lineOf('c', '7'))
    const { lines, others, left } = joinResults(cells, none, own, given)
    expect([...lines]).toEqual([
      ['a', lineOf('a', '1')],
      ['b', lineOf('b', '2')],
    ])
    expect([others, left]).toEqual([[lineOf('old', '8')], 1])
  })

  it('are those of an artifact where it stands, whatever lines tell', () => {
    const own = foundIn('own', lineOf('a', '1'))
    const given = foundIn('given', lineOf('a', '1', { measures: { ...measured, best: 0.5 } }))
    const { lines, left } = joinResults(cells, new Map([artifactOf('choose', '1', 7)]), own, given)
    expect(lines.get('a')).toMatchObject({ measures: { best: 0.25, stored: 1 }, createdBy: '@learngene/recipe 0.2.0' })
    expect(lines.get('a')!.stages).toEqual([shared, { stage: 'choose', key: hash('1'), seconds: 7 }])
    expect(left).toBe(0)
  })

  it('of one key must be the same, and both lines are named', () => {
    const join = () => joinResults(cells, none, foundIn('own', lineOf('a', '1')), foundIn('g', lineOf('z', '9'), lineOf('a', '1', { measures: { ...measured, best: 0.5 } }))) // biome-ignore format: one line
    expect(join).toThrow(UsageError)
    expect(join).toThrow(
      'g:2: the measures of a must be those of own:1, which has the same key; they are others: take one of the lines out',
    )
    const others = [lineOf('z', '9'), lineOf('z', '9', { measures: { ...measured, best: 0.5 } })]
    expect(joinResults(cells, none, [], foundIn('g', ...others)).left).toBe(2)
  })

  it('count the seconds of a stage once: of the artifact, else of the first line that tells them', () => {
    const slower = { stages: [{ ...shared, seconds: 30 }, { stage: 'choose', key: hash('2'), seconds: 2 }] } // biome-ignore format: short
    const own = foundIn('own', lineOf('a', '1'))
    const given = foundIn('given', lineOf('b', '2', slower))
    expect(joinResults(cells, none, own, given).seconds).toBe(10 + 1 + 2)
    expect(joinResults(cells, none, [], [...given, ...own]).seconds).toBe(30 + 1 + 2)
    // A stage that stands counts though no cell has used it; one that lines of other recipes tell does not.
    const stands = new Map([artifactOf('ancestor', 'a', 5)])
    expect(joinResults(cells, stands, own, given).seconds).toBe(5 + 1 + 2)
    expect(joinResults(cells, stands, []).seconds).toBe(5)
    expect(joinResults(cells, none, foundIn('own', lineOf('old', '8'))).seconds).toBe(0)
  })

  it('of cells that are one recipe by two names are one', () => {
    const twins = [cellOf('a', '1'), cellOf('twin', '1')]
    const { lines, seconds } = joinResults(twins, none, foundIn('own', lineOf('a', '1')))
    expect([...lines.values()]).toEqual([lineOf('a', '1'), lineOf('twin', '1')])
    expect(seconds).toBe(11)
  })
})
