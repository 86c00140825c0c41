import { expect, it } from 'vitest'
import { parseWeightSpec } from './weight-spec.js'

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
