import { expect, it } from 'vitest'
import { orderByPosition } from './layout.js'

const order = (fileEnd: number, ...spans: [tensor: string, begin: number, end: number][]) =>
  orderByPosition(
    spans.map(([tensor, begin, end]) => [tensor, { dtype: 'U8', shape: [end - begin], begin, end }]),
    { name: 'x', dataStart: 10, fileEnd },
  )

it('orders tensors by position, empty ones before what begins at the same byte', () => {
  expect([...order(20, ['b', 14, 20], ['a', 10, 14], ['empty', 14, 14], ['last', 20, 20]).keys()]).toEqual(['a', 'empty', 'b', 'last'])
})

it('accepts a file without tensors', () => {
  expect(order(10).size).toBe(0)
})

it.each<[string, Parameters<typeof order>, string]>([
  ['overlap', [20, ['a', 10, 15], ['b', 14, 20]], 'x: tensor "b": must not overlap "a", which ends at byte 15, found begin 14'],
  [
    'the same bytes twice',
    [20, ['a', 10, 20], ['b', 10, 20]],
    'x: tensor "b": must not overlap "a", which ends at byte 20, found begin 10',
  ],
  ['an empty tensor within another', [20, ['a', 10, 20], ['b', 15, 15]], 'x: tensor "b": must not overlap "a"'],
  ['a hole', [20, ['a', 10, 12], ['b', 14, 20]], 'x: tensor "b": must begin where "a" ends, at byte 12, found begin 14: a hole of 2 bytes'],
  [
    'a hole at the start',
    [20, ['a', 11, 20]],
    'x: tensor "a": must begin where the header ends, at byte 10, found begin 11: a hole of 1 bytes',
  ],
  ['trailing bytes', [21, ['a', 10, 20]], 'x: the file must end at byte 20, after tensor "a", found 1 bytes more'],
  ['bytes of no tensor', [11], 'x: the file must end at byte 10, after the header, found 1 bytes more'],
])('refuses %s', (_, args, message) => {
  expect(() => order(...args)).toThrow(message)
})
