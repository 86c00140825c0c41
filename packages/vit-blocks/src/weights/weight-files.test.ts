import { describe, expect, it } from 'vitest'
import { encodeSafetensors, openSafetensors, SafetensorsError } from '../safetensors/index.js'
import { goldenFiles } from './testing/golden.js'
import { memoryFiles } from './testing/memory-files.js'
import { openTensors, parseWeightSpec } from './weight-files.js'

describe('parseWeightSpec', () => {
  it.each([
    ['hf:timm/deit_base_patch16_224.fb_in1k', { kind: 'hub', repository: 'timm/deit_base_patch16_224.fb_in1k', revision: 'main' }],
    ['hf:google/vit-base@v1.0', { kind: 'hub', repository: 'google/vit-base', revision: 'v1.0' }],
    ['hf:a/b@refs/pr/1', { kind: 'hub', repository: 'a/b', revision: 'refs/pr/1' }],
    ['https://host/x.safetensors', { kind: 'url', url: new URL('https://host/x.safetensors') }],
    ['HTTP://host/', { kind: 'url', url: new URL('http://host/') }],
    ['model.safetensors', { kind: 'path', path: 'model.safetensors' }],
    ['/hf:/x', { kind: 'path', path: '/hf:/x' }],
    ['C:\\models', { kind: 'path', path: 'C:\\models' }],
  ])('reads %s', (spec, parsed) => {
    expect(parseWeightSpec(spec)).toEqual(parsed)
  })

  it.each(['hf:', 'hf:deit', 'hf:a/b/c', 'hf:../b', 'hf:a/..', 'hf:a/b@', 'hf:a/b@../../c', 'hf:a/b@x//y', 'hf:a/b@/x', 'hf:a b/c'])(
    'refuses %s',
    (spec) => {
      expect(() => parseWeightSpec(spec)).toThrow(
        `weights of the hub must be given as 'hf:owner/name' or 'hf:owner/name@revision'; got '${spec}'`,
      )
    },
  )
})

describe('openTensors', () => {
  const shard = (...names: string[]) =>
    encodeSafetensors(names.map((name) => ({ name, shape: [2], data: Float32Array.of(name.length, 1) })))

  const index = 'model.safetensors.index.json'

  const open = (files: { [file: string]: Uint8Array | object }) => openTensors(memoryFiles(files, { file: index }))

  it('reads one file as it is', async () => {
    const { name, tensors, readFloat32 } = await openTensors(memoryFiles({ 'model.safetensors': shard('a', 'bb') }))
    expect([name, [...tensors.keys()], [...(await readFloat32('bb'))]]).toEqual(['model: model.safetensors', ['a', 'bb'], [2, 1]])
  })

  it('reads tensors from the shards that the index names', async () => {
    const weight_map = { a: 'x.safetensors', bb: 'y-2.safetensors', ccc: 'x.safetensors' }
    const { tensors, readFloat32 } = await open({
      [index]: { weight_map },
      'x.safetensors': shard('a', 'ccc'),
      'y-2.safetensors': shard('bb'),
    })
    expect([...tensors.keys()].sort()).toEqual(['a', 'bb', 'ccc'])
    for (const tensor of ['a', 'bb', 'ccc']) expect([...(await readFloat32(tensor))]).toEqual([tensor.length, 1])
    await expect(async () => readFloat32('d')).rejects.toThrow('tensor "d" is not in the index')
  })

  it('reads what transformers sharded', async () => {
    const files = goldenFiles('deit-distilled')
    const { tensors, readFloat32 } = await open(files)
    for (const [file, bytes] of Object.entries(files).filter(([file]) => file.endsWith('.safetensors'))) {
      const shard = await openSafetensors(bytes, { name: file })
      expect(shard.tensors.size).toBeGreaterThan(0)
      for (const tensor of shard.tensors.keys()) {
        expect(tensors.has(tensor)).toBe(true)
        expect(await readFloat32(tensor)).toEqual(await shard.readFloat32(tensor))
      }
    }
  })

  it.each<[string, { [file: string]: Uint8Array | object }, string]>([
    ['is missing', {}, 'model: model.safetensors.index.json: there is no such file'],
    ['is no JSON', { [index]: new TextEncoder().encode('{') }, 'model: model.safetensors.index.json: must be JSON'],
    ['is no object', { [index]: [] }, 'model: model.safetensors.index.json: must be an object, found []'],
    ['has no map', { [index]: {} }, 'model: model.safetensors.index.json: weight_map: must be an object, found nothing'],
    ['names a missing shard', { [index]: { weight_map: { a: 'x.safetensors' } } }, 'model: x.safetensors: there is no such file'],
    [
      'names a file elsewhere',
      { [index]: { weight_map: { a: '../x.safetensors' } } },
      'tensor "a": must lie in a file of the same folder, found "../x.safetensors"',
    ],
    ['names no file', { [index]: { weight_map: { a: 3 } } }, 'tensor "a": must lie in a file of the same folder, found 3'],
    [
      'names a tensor that its shard lacks',
      { [index]: { weight_map: { a: 'x.safetensors', b: 'x.safetensors' } }, 'x.safetensors': shard('a') },
      'tensor "b": must be in x.safetensors, as the index says, but is not',
    ],
    [
      'does not name a tensor of a shard',
      { [index]: { weight_map: { a: 'x.safetensors' } }, 'x.safetensors': shard('a', 'b') },
      'tensor "b" of x.safetensors: must stand so in the index, which has it nowhere',
    ],
    [
      'has a tensor twice',
      {
        [index]: { weight_map: { a: 'x.safetensors', b: 'y.safetensors' } },
        'x.safetensors': shard('a', 'b'),
        'y.safetensors': shard('b'),
      },
      'tensor "b" of x.safetensors: must stand so in the index, which has it model: y.safetensors',
    ],
  ])('refuses an index that %s', async (_, files, message) => {
    const error = await open(files).then(
      () => expect.fail('was read'),
      (error) => error,
    )
    expect(error).toBeInstanceOf(SafetensorsError)
    expect(error.message).toContain(message)
  })
})
