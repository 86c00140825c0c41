import { expect, it } from 'vitest'
import { encodeSafetensors, readAllFloat32 } from './index.js'
import { openReference, referenceBytes } from './testing/reference.js'

const halves = [
  ['timm-vit-fp16', 'F16'],
  ['timm-vit-bf16', 'BF16'],
] as const

it('reads metadata, floats and integers that PyTorch wrote', async () => {
  const golden = await openReference('timm-vit-golden')
  expect(golden.metadata.layout).toBe('images NCHW; torch Linear weights [out,in]; conv OIHW')
  expect(await golden.read('in/labels')).toMatchObject({ dtype: 'I32', shape: [2], data: { length: 2 } })
  expect(golden.tensors.get('param/patch_embed.proj.weight')).toMatchObject({ dtype: 'F32', shape: [48, 3, 8, 8] })
})

it('decodes the same parameters from F16 and BF16 up to their rounding', async () => {
  const float16 = await openReference('timm-vit-fp16')
  const bfloat16 = await openReference('timm-vit-bf16')
  expect([...float16.tensors.keys()]).toEqual([...bfloat16.tensors.keys()])
  // Both are within half a step of one value: 2^-11 of it and 2^-8 of it, and F16 has a smallest step of 2^-24.
  const relative = (2 ** -11 + 2 ** -8) / (1 - 2 ** -8)
  for (const [name, { dtype, shape }] of float16.tensors) {
    expect([dtype, bfloat16.tensors.get(name)?.dtype]).toEqual(['F16', 'BF16'])
    expect(bfloat16.tensors.get(name)?.shape).toEqual(shape)
    const a = await float16.readFloat32(name)
    const b = await bfloat16.readFloat32(name)
    const wrong = a.findIndex((value, i) => !(Math.abs(value - b[i]!) <= relative * Math.abs(value) + 2 ** -24))
    expect(wrong, `${name}: ${a[wrong]} and ${b[wrong]}`).toBe(-1)
  }
  expect((await float16.readFloat32('patch_embed.proj.weight')).slice(0, 3)).toEqual(
    Float32Array.of(-0.044891357421875, 0.0227508544921875, 0.045928955078125),
  )
})

it.each(halves)('encodes what it read from %s to the same bytes', async (reference, dtype) => {
  const half = await openReference(reference)
  const shapes = Object.fromEntries([...half.tensors].map(([name, { shape }]) => [name, shape]))
  const list = [...(await readAllFloat32(half, shapes))].map(([name, tensor]) => ({ name, ...tensor }))
  expect(Buffer.compare(encodeSafetensors(list, { dtype }), referenceBytes(reference))).toBe(0)
})
