import { expect, it } from 'vitest'
import { SafetensorsError } from './safetensors-error.js'
import { parseTensorEntry } from './tensor-entry.js'

const parse = (value: unknown) => parseTensorEntry(value, 'w', { name: 'x', dataStart: 100, fileEnd: 164 })
const entry = (change: object) => ({ dtype: 'F32', shape: [2, 3], data_offsets: [8, 32], ...change })

it('gives positions in the file', () => {
  expect(parse(entry({}))).toEqual({ dtype: 'F32', shape: [2, 3], begin: 108, end: 132 })
  expect(parse(entry({ dtype: 'F16', data_offsets: [52, 64] }))).toEqual({ dtype: 'F16', shape: [2, 3], begin: 152, end: 164 })
})

it('knows scalars and empty tensors', () => {
  expect(parse(entry({ shape: [], data_offsets: [0, 4] }))).toMatchObject({ shape: [], begin: 100, end: 104 })
  expect(parse(entry({ shape: [3, 0], data_offsets: [64, 64] }))).toMatchObject({ begin: 164, end: 164 })
})

it.each<[string, unknown, string]>([
  ['no object', 5, 'its header entry must be an object, found 5'],
  ['null', null, 'its header entry must be an object, found null'],
  ['a list', [], 'its header entry must be an object, found []'],
  ['no dtype', { shape: [], data_offsets: [0, 4] }, 'its header entry must have dtype, shape and data_offsets, found no dtype'],
  ['no shape', { dtype: 'F32', data_offsets: [0, 4] }, 'found no shape'],
  ['no data_offsets', { dtype: 'F32', shape: [] }, 'found no data_offsets'],
  [
    'an unknown dtype',
    entry({ dtype: 'F4' }),
    'dtype must be one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, U64, I32, U32, I16, U16, I8, U8, BOOL, found "F4"',
  ],
  ['a dtype that is no text', entry({ dtype: 4 }), 'U8, BOOL, found 4'],
  ['a negative dimension', entry({ shape: [-2, -3] }), 'shape must be a list of whole numbers of at least 0, found [-2,-3]'],
  ['a fractional dimension', entry({ shape: [1.5, 4] }), 'shape must be a list of whole numbers of at least 0, found [1.5,4]'],
  ['a shape that is no list', entry({ shape: 6 }), 'shape must be a list of whole numbers of at least 0, found 6'],
  [
    'too many elements',
    entry({ shape: [2 ** 30, 2 ** 30] }),
    'shape must make at most 2^53 - 1 bytes of F32, found [1073741824, 1073741824]',
  ],
  ['too many bytes', entry({ shape: [2 ** 51] }), 'shape must make at most 2^53 - 1 bytes of F32, found [2251799813685248]'],
  [
    'one offset',
    entry({ data_offsets: [8] }),
    'data_offsets must be two whole numbers of at least 0, the first not above the second, found [8]',
  ],
  ['reversed offsets', entry({ data_offsets: [32, 8] }), 'the first not above the second, found [32,8]'],
  ['a negative offset', entry({ data_offsets: [-8, 16] }), 'data_offsets must be two whole numbers of at least 0'],
  ['a fractional offset', entry({ data_offsets: [0.5, 24.5] }), 'data_offsets must be two whole numbers of at least 0'],
  ['offsets that are no list', entry({ data_offsets: '0,24' }), 'data_offsets must be two whole numbers of at least 0'],
  [
    'offsets beyond the file',
    entry({ data_offsets: [41, 65] }),
    'data_offsets must end within the 64 bytes after the header, found [41, 65]',
  ],
  ['too few bytes', entry({ data_offsets: [8, 28] }), 'F32 of shape [2, 3] must have 24 bytes, found 20 in data_offsets [8, 28]'],
  ['too many bytes in the file', entry({ dtype: 'BF16' }), 'BF16 of shape [2, 3] must have 12 bytes, found 24 in data_offsets [8, 32]'],
])('refuses %s', (_, value, problem) => {
  expect(() => parse(value)).toThrow(SafetensorsError)
  expect(() => parse(value)).toThrow(problem)
  expect(() => parse(value)).toThrow(/^x: tensor "w": /)
})
