import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SafetensorsError } from './errors.js'
import {
  bytesSource,
  duplicateKey,
  isRecord,
  orderByPosition,
  parseHeader,
  parseHeaderJson,
  parseTensorEntry,
  readExactly,
} from './header.js'
import { rawFile } from './testing/raw-file.js'

describe('parseHeader', () => {
  const parse = (file: Uint8Array) => parseHeader(bytesSource(file), { name: 'x' })

  const a = { dtype: 'U8', shape: [3], data_offsets: [0, 3] }

  const b = { dtype: 'F16', shape: [1, 2], data_offsets: [3, 7] }

  function withLength(length: bigint, bytes: number): Uint8Array {
    const file = new Uint8Array(bytes)
    new DataView(file.buffer).setBigUint64(0, length, true)
    return file
  }

  it('reads metadata and tensors, in the order of their bytes', async () => {
    const file = rawFile({ b, __metadata__: { format: 'pt', 'ä\n': '' }, a }, 7)
    const start = file.length - 7
    const header = await parse(file)
    expect(header.metadata).toEqual({ format: 'pt', 'ä\n': '' })
    expect([...header.tensors]).toEqual([
      ['a', { dtype: 'U8', shape: [3], begin: start, end: start + 3 }],
      ['b', { dtype: 'F16', shape: [1, 2], begin: start + 3, end: start + 7 }],
    ])
  })

  it('reads a file of nothing', async () => {
    expect(await parse(rawFile('{}'))).toEqual({ metadata: {}, tensors: new Map() })
  })

  it('takes names that objects have by birth for ordinary names', async () => {
    const header = await parse(
      rawFile(`{"__metadata__":{"__proto__":"p"},"__proto__":${JSON.stringify(a)},"toString":${JSON.stringify(b)}}`, 7),
    )
    expect([...header.tensors.keys()]).toEqual(['__proto__', 'toString'])
    expect(Object.entries(header.metadata)).toEqual([['__proto__', 'p']])
    await expect(parse(rawFile('{"toString":{}}'))).rejects.toThrow('x: tensor "toString": its header entry must have')
  })

  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'x: a safetensors file has at least 8 bytes, found 0'],
    ['a file of 7 bytes', new Uint8Array(7), 'x: a safetensors file has at least 8 bytes, found 7'],
    ['a header longer than the file', withLength(25n, 32), 'x: the header must fit into the 24 bytes after its length, found length 25'],
    ['a header above the limit', withLength(100_000_001n, 32), 'x: the header must have at most 100000000 bytes, found length 100000001'],
    ['an absurd header', withLength(2n ** 64n - 1n, 32), 'found length 18446744073709551615'],
    ['a header of no bytes', withLength(0n, 8), 'x: the header must be a JSON object and begin with "{", found ""'],
    ['a header that is no JSON', rawFile('{"a":}'), 'x: the header must be valid JSON'],
    ['a header that is not UTF-8', rawFile(Uint8Array.of(0x7b, 0xc0)), 'x: the header must be valid UTF-8'],
    [
      'a tensor twice',
      rawFile(`{"a":${JSON.stringify(a)},"a":${JSON.stringify(a)}}`, 3),
      'x: a key of the header must occur once, found "a" twice',
    ],
    ['metadata that is no object', rawFile({ __metadata__: 'pt' }), 'x: __metadata__ must be an object of strings, found "pt"'],
    ['metadata that is null', rawFile({ __metadata__: null }), 'x: __metadata__ must be an object of strings, found null'],
    ['metadata that is a list', rawFile({ __metadata__: ['pt'] }), 'x: __metadata__ must be an object of strings, found ["pt"]'],
    ['metadata of numbers', rawFile({ __metadata__: { a: 'b', depth: 3 } }), 'x: __metadata__ entry "depth" must be a string, found 3'],
    [
      'a bad entry',
      rawFile({ a: { ...a, shape: [4] } }, 3),
      'x: tensor "a": U8 of shape [4] must have 4 bytes, found 3 in data_offsets [0, 3]',
    ],
    [
      'a truncated file',
      rawFile({ a, b }, 6),
      'x: tensor "b": data_offsets must end within the 6 bytes after the header, found [3, 7]; the file is truncated',
    ],
    ['trailing bytes', rawFile({ a, b }, 8), 'x: the file must end at byte'],
    ['overlap', rawFile({ a, b: { ...b, data_offsets: [2, 6] } }, 6), 'x: tensor "b": must not overlap "a"'],
    ['a hole', rawFile({ b }, 7), 'x: tensor "b": must begin where the header ends'],
  ])('refuses %s', async (_, file, message) => {
    const error = await parse(file).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(SafetensorsError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).not.toMatch(/\n/)
  })

  it('keeps messages short and on one line whatever the file says', async () => {
    const error: Error = await parse(rawFile({ ['n\n'.repeat(10_000)]: 'v\n'.repeat(10_000) })).catch((error) => error)
    expect(error.message).not.toMatch(/\n/)
    expect(error.message.length).toBeLessThan(400)
  })

  it.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 346293128\n', 'a pointer of Git LFS'],
    ['<!DOCTYPE html>\n<html class=""><head>', 'an HTML page'],
    ['\n<html><body>401', 'an HTML page'],
    ['PK\u0003\u0004\0\0\b\b\0\0archive/data.pkl', 'a zip archive'],
    ['\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P', 'a pickle'],
    ['\u0089HDF\r\n\u001a\n\0\0', 'an HDF5 file'],
    ['GGUF\u0003\0\0\0\0', 'a GGUF file'],
  ])('says what stands in the place of a safetensors file: %j', async (text, what) => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
    await expect(parseHeader(bytesSource(bytes), { name: 'x' })).rejects.toThrow(`x: must be a safetensors file, found ${what}`)
  })
})

describe('parseTensorEntry', () => {
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
})

describe('orderByPosition', () => {
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
    [
      'a hole',
      [20, ['a', 10, 12], ['b', 14, 20]],
      'x: tensor "b": must begin where "a" ends, at byte 12, found begin 14: a hole of 2 bytes',
    ],
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
})

describe('parseHeaderJson', () => {
  const parse = (text: string) => parseHeaderJson(new TextEncoder().encode(text), 'x')

  it('parses an object, padded with spaces or not', () => {
    expect(parse('{"ä":[1,{}]}   ')).toEqual({ ä: [1, {}] })
  })

  it.each([
    ['', 'x: the header must be a JSON object and begin with "{", found ""'],
    ['[]', 'x: the header must be a JSON object and begin with "{", found "[]"'],
    [' {}', 'x: the header must be a JSON object and begin with "{", found " {}"'],
    ['\ufeff{}', 'x: the header must be a JSON object and begin with "{"'],
    ['{', 'x: the header must be valid JSON: '],
    ['{}{}', 'x: the header must be valid JSON: '],
    ['{"a":1,}', 'x: the header must be valid JSON: '],
    ['{"a":NaN}', 'x: the header must be valid JSON: '],
    ['{"b":{},"b":{}}', 'x: a key of the header must occur once, found "b" twice'],
    ['{"b":{"dtype":1,"dtype":2}}', 'x: a key of the header must occur once, found "dtype" twice'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })

  it('refuses invalid UTF-8', () => {
    expect(() => parseHeaderJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 'x')).toThrow(
      'x: the header must be valid UTF-8, its 4 bytes are not',
    )
  })

  it('knows records', () => {
    expect([{}, [], null, 'a', 1, undefined].map(isRecord)).toEqual([true, false, false, false, false, false])
  })
})

describe('duplicateKey', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"b":{"c":1},"a":2}', 'a'],
    ['{"a":{"x":1,"y":[{"z":"}"}],"x":2}}', 'x'],
    ['[{"a":1},{"b":1,"b":1}]', 'b'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"":[],"":[]}', ''],
    [' { "a" : 1 ,\n "a" : 2 } ', 'a'],
    ['{"\\\\":1,"b\\"":2,"b\\"":3}', 'b"'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('finds the key that %s has twice', (json, key) => {
    expect(duplicateKey(json)).toBe(key)
  })

  it.each([
    ['{}'],
    ['{"a":"a","b":"a"}'],
    ['{"a":{"a":{"a":1}}}'],
    ['[{"a":1},{"a":1}]'],
    ['{"a":["a","a"],"b":["b",{"b":0},"b"]}'],
    ['{"a":"\\"a\\":1,","b":"{,\\\\"}'],
    ['"a"'],
  ])('finds none in %s', (json) => {
    expect(duplicateKey(json)).toBeUndefined()
  })

  it('finds none in any JSON made from a value, and finds the key that is then repeated', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const json = JSON.stringify(value)
        expect(duplicateKey(json)).toBeUndefined()
        const key = Object.keys(value).at(-1)!
        expect(duplicateKey(`${json.slice(0, -1)},${JSON.stringify(key)}:0}`)).toBe(key)
      }),
      { seed: 1, numRuns: 60 },
    )
  })
})

describe('bytesSource', () => {
  const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5)

  it('reads slices of a view', async () => {
    const source = bytesSource(bytes.subarray(1, 5))
    expect(source.byteLength).toBe(4)
    expect(await readExactly(source, 1, 3, 'x')).toEqual(Uint8Array.of(2, 3))
    expect(await readExactly(source, 4, 4, 'x')).toEqual(Uint8Array.of())
  })

  it('does not accept fewer bytes than asked for', async () => {
    await expect(readExactly(bytesSource(bytes), 4, 9, 'x')).rejects.toThrow('x: reading bytes 4 to 9 must give 5 bytes, got 2')
  })
})
