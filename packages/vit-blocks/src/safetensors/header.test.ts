import { expect, it } from 'vitest'
import { bytesSource } from './bytes-source.js'
import { parseHeader } from './header.js'
import { SafetensorsError } from './safetensors-error.js'
import { rawFile } from './testing/raw-file.js'

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
