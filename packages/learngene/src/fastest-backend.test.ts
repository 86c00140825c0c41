import { useBackend } from '@learngene/backends'
import type { ReportEvent } from '@learngene/interfaces'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, forward } from '@learngene/vit-blocks'
import { getBackend, memory, ones, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeFastestBackend } from './fastest-backend.js'

let network: ReturnType<typeof createViT>
beforeAll(async () => {
  await useBackend('wasm')
  network = createViT({ imageSize: 8, patchSize: 4, channels: 1, width: 8, depth: 2, heads: 2, classes: 4 }, createRng(1))
})
afterAll(() => disposeNetwork(network))

describe('takeFastestBackend', () => {
  const take = async (backend: 'auto' | 'wasm', calls: number, worthwhileMs?: number) => {
    const events: ReportEvent[] = []
    await takeFastestBackend(backend, { network, batch: 2, calls }, (event) => events.push(event), worthwhileMs)
    return events
  }

  it('leaves short work, and a backend that was named, as they are', async () => {
    expect(await take('auto', 3)).toEqual([])
    expect(await take('wasm', 1e9)).toEqual([])
    expect(getBackend()).toBe('wasm')
  })

  it('measures before long work, says what it found, and the network computes the same there', async () => {
    const logits = () => Array.from(tidy(() => forward(network, ones([1, 8, 8, 1]) as Tensor4D).logits).dataSync())
    const [before, tensors] = [logits(), memory().numTensors]
    const [, message] = await take('auto', 1, 0)
    expect(message).toMatchObject({
      kind: 'message',
      text: expect.stringMatching(/^computes on \S+: of a batch of 2 take .*wasm [\d.]+ ms/),
    })
    for (const [i, value] of logits().entries()) expect(value).toBeCloseTo(before[i]!, 5)
    expect(memory().numTensors).toBeLessThanOrEqual(tensors + 2)
  })
})
