import '@tensorflow/tfjs-backend-wasm'
import { setBackend } from '@tensorflow/tfjs-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { changedReference } from '../testing/changed-reference.js'
import { checkReference } from './check-reference.js'

describe('a reference that is wrong somewhere', () => {
  beforeEach(async () => {
    await setBackend('wasm')
  })

  it.each([
    ['outputs', 'out/blocks.1.attn'],
    ['outputs', 'out/loss'],
    ['gradients', 'grad/blocks.2.mlp.fc1.weight'],
    ['gradients', 'grad/cls_token'],
    ['adamw', 'adamw3/blocks.0.attn.qkv.bias'],
    ['adamw', 'adamw3/head.weight'],
  ] as const)('fails in its %s where one value of %s is off by a hundredth of the norm', async (part, tensor) => {
    const bytes = changedReference({
      values: (name, data) => {
        if (name === tensor) data[data.length - 1]! += 0.01 * Math.hypot(...data)
      },
    })
    const { errors, pass, worst } = await checkReference(bytes)
    expect(pass).toBe(false)
    expect(worst[part]).toBe(tensor)
    expect(errors[part]).toBeGreaterThan(0.005)
    expect(errors[part]).toBeLessThan(0.02)
  })

  it('fails in all parts where a parameter is another', async () => {
    const bytes = changedReference({
      values: (name, data) => {
        if (name === 'param/patch_embed.proj.bias') data[0]! += 0.5
      },
    })
    const { errors, tolerances, pass } = await checkReference(bytes)
    expect(pass).toBe(false)
    for (const part of ['outputs', 'gradients', 'adamw'] as const) expect(errors[part]).toBeGreaterThan(tolerances[part])
  })

  it('does not look at the key bias, whose gradient is noise', async () => {
    const bytes = changedReference({
      values: (name, data) => {
        if (/^(grad|adamw3)\/.*attn\.qkv\.bias$/.test(name)) data.fill(1e-3, data.length / 3, (2 * data.length) / 3)
      },
    })
    expect((await checkReference(bytes)).pass).toBe(true)
  })

  it('fails with an infinite error where the network overflows', async () => {
    const bytes = changedReference({
      values: (name, data) => {
        if (name === 'param/blocks.0.mlp.fc2.weight') data.fill(3e38)
      },
    })
    const { errors, pass } = await checkReference(bytes)
    expect(pass).toBe(false)
    expect(errors.outputs).toBe(Number.POSITIVE_INFINITY)
  })
})
