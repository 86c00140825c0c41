import { expect, test } from 'vitest'
import { ATTRIBUTE, TYPE } from './backend.js'
import { encodeSavedModel, tensorName } from './graph.js'

/** Fields of a message by number: bytes, or the value of an integer. */
function fields(message: Uint8Array): [number, Uint8Array | number][] {
  const found: [number, Uint8Array | number][] = []
  let at = 0
  const varint = () => {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = message[at++]!
      value += (byte & 0x7f) * factor
      factor *= 0x80
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const value = varint()
    if (tag % 8 === 0) found.push([tag >> 3, value])
    else {
      found.push([tag >> 3, message.subarray(at, at + value)])
      at += value
    }
  }
  return found
}

const all = (message: Uint8Array, number: number) =>
  fields(message).flatMap(([field, value]) => (field === number ? [value as Uint8Array] : []))
const text = (message: Uint8Array, number: number) => all(message, number).map((each) => new TextDecoder().decode(each))

test('a model has one graph with a tag, its placeholders, constants and operations', () => {
  const input = { kind: 'input', index: 0 } as const
  const saved = encodeSavedModel(
    [
      { kind: 'constant', dtype: TYPE.int32, shape: [2], content: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0) },
      { kind: 'constant', dtype: TYPE.float, shape: [500], content: new Uint8Array(2000) },
      {
        kind: 'operation',
        name: 'Reshape',
        attributes: [{ name: 'T', type: ATTRIBUTE.type, value: TYPE.float }],
        inputs: [input, { kind: 'node', index: 0, output: 3 }],
        after: [1],
      },
    ],
    [{ source: input, dtype: TYPE.float, shape: [2, 1] }],
  )
  const [metaGraph] = all(saved, 2)
  expect(text(all(metaGraph!, 1)[0]!, 4)).toEqual(['serve'])
  const nodes = all(all(metaGraph!, 2)[0]!, 1)
  expect(nodes.map((node) => [text(node, 1)[0], text(node, 2)[0], text(node, 3)])).toEqual([
    ['i0', 'Placeholder', []],
    ['n0', 'Const', []],
    ['n1', 'Const', []],
    ['n2', 'Reshape', ['i0:0', 'n0:3', '^n1']],
  ])
  expect(nodes[2]!.length).toBeLessThan(100) // zeros are not written
  expect(text(all(nodes[3]!, 5)[0]!, 1)).toEqual(['T'])
})

test('values are named by where they come from', () => {
  expect(tensorName({ kind: 'outside', index: 12 })).toBe('o12:0')
  expect(tensorName({ kind: 'node', index: 3, output: 2 })).toBe('n3:2')
})

test('an attribute of another type is refused', () => {
  const attributes = [{ name: 'f', type: 9, value: 1 }]
  expect(() => encodeSavedModel([{ kind: 'operation', name: 'If', attributes, inputs: [], after: [] }], [])).toThrow(
    "the attribute 'f' has a type that graphs cannot have, 9",
  )
})
