import { describe, expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { decodeUnits, encodeUnits, readUnit, wavesOf } from './unit-file.js'

const key = 'a'.repeat(64)
const unit = { of: '.', stage: 'tier:w12', key, inputs: { ancestor: key, data: 'x' }, wave: 1 }

describe('a file of units', () => {
  it('gives back what was written, each line with the command that runs it', () => {
    const text = encodeUnits([unit, { ...unit, stage: 'evaluate.2of4', backend: 'wasm', workers: 1, cell: 'depth-6' }], 'u.jsonl')
    const [first, second] = decodeUnits(text, 'u.jsonl')
    expect(first).toEqual({ schema: 1, ...unit, command: ['learngene', 'unit', 'run', 'u.jsonl', '--index', '0'] })
    expect(second).toMatchObject({ stage: 'evaluate.2of4', backend: 'wasm', workers: 1, cell: 'depth-6' })
    expect(second!.command.at(-1)).toBe('1')
    expect(decodeUnits('', 'u.jsonl')).toEqual([])
    // As editors of Windows leave it.
    expect(decodeUnits(`\uFEFF${text.replaceAll('\n', '\r\n')}\r\n`, 'u.jsonl')).toEqual([first, second])
  })

  it.each<[string, object | string, string]>([
    ['no JSON', '{"schema":1,', 'must be a unit as JSON'],
    ['an empty line', '', 'must be a unit as JSON: it is empty'],
    ['another schema', { schema: 2 }, "'schema' cannot be"],
    ['no stage', { stage: undefined }, "'stage' cannot be"],
    ['a key that is no hash', { key: 'abc' }, "'key' cannot be: must be a SHA-256 in hexadecimal"],
    ['an input that is no text', { inputs: { ancestor: 7 } }, "'inputs.ancestor' cannot be"],
    ['a wave below 0', { wave: -1 }, "'wave' cannot be"],
    ['a backend of another name', { backend: 'wsam' }, "'backend' cannot be"],
    ['a command that is no list', { command: 'rm -r' }, "'command' cannot be"],
    ['a key too many', { more: 1 }, 'Unrecognized key'],
    ['a list', '[]', 'cannot be'],
  ])('tells the line with %s', (_, change, message) => {
    const good = encodeUnits([unit], 'u.jsonl')
    const line = typeof change === 'string' ? change : JSON.stringify({ ...JSON.parse(good), ...change })
    const decode = () => decodeUnits(`${good}${line}\n${good}`, 'dir/u.jsonl')
    expect(decode).toThrow(UsageError)
    expect(decode).toThrow(/^dir\/u\.jsonl:2: [^\n]*; write the file anew$/)
    expect(decode).toThrow(message)
  })

  it('that is not there is told', async () => {
    await expect(readUnit('nowhere/u.jsonl', 0)).rejects.toThrow(
      "nowhere/u.jsonl cannot be read (ENOENT); name a file that 'learngene run --units' or 'learngene study plan' wrote",
    )
  })
})

it('waves are where the numbers change', () => {
  expect(wavesOf([0, 0, 2, 3, 3, 3].map((wave) => ({ wave })))).toEqual([
    { first: 0, count: 2 },
    { first: 2, count: 1 },
    { first: 3, count: 3 },
  ])
  expect(wavesOf([])).toEqual([])
})
