import { describeEachBackend, startBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { costOf, createViT, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { memory, mul, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { describe, expect, it, vi } from 'vitest'
import { cascade, confidenceNamed, confidences, costOfCascade, forwardCascade, sharedFront, sharedFrontMacs } from './cascade.js'

const shape = { imageSize: 8, patchSize: 4, channels: 1, depth: 3, heads: 2, classes: 4 }

function lively(seed: number, width = 8): Network {
  const network = createViT({ ...shape, width }, createRng(seed))
  for (const parameter of Object.values(parametersOf(network))) if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 15)))
  return network
}

/** Two networks that part after the second block, as paths of a pool do. */
function parting() {
  const [small, other] = [lively(1), lively(2)]
  const large: Network = { embedding: small.embedding, blocks: [...small.blocks.slice(0, 2), ...other.blocks], head: other.head }
  return { small, large }
}

const images = (count = 12): Tensor4D => {
  const rng = createRng(9)
  return tensor4d(
    Float32Array.from({ length: count * 64 }, () => rng.normal()),
    [count, 8, 8, 1],
  )
}

async function logitsOf(network: Network, x: Tensor4D): Promise<number[][]> {
  const { logits } = forward(network, x)
  const values = await valuesOf(logits)
  logits.dispose()
  return Array.from({ length: x.shape[0] }, (_, i) => Array.from(values.slice(i * 4, i * 4 + 4)))
}

describeEachBackend(({ tolerances }) => {
  it.each([
    ['part after two blocks', parting],
    ['have nothing in common', () => ({ small: lively(1), large: lively(2, 12) })],
  ])('answers by the large network where the small one is not sure: networks that %s', async (_, networks) => {
    const { small, large } = networks()
    const x = images()
    const [first, second] = [await logitsOf(small, x), await logitsOf(large, x)]
    const sure = first.map((logits) => confidences.probability(logits))
    const threshold = [...sure].sort((a, b) => a - b)[5]!
    const before = memory().numTensors
    const { logits, passedOn } = await forwardCascade(cascade(small, large, threshold - 1e-6), x)
    expect(passedOn).toEqual(sure.flatMap((each, i) => (each < threshold - 1e-6 ? [i] : [])))
    expect(passedOn).toHaveLength(5)
    const found = await valuesOf(logits)
    for (const [i, row] of first.entries()) {
      const wanted = passedOn.includes(i) ? second[i]! : row
      for (const [c, value] of wanted.entries()) expect(Math.abs(found[i * 4 + c]! - value)).toBeLessThan(100 * tolerances.float64)
    }
    logits.dispose()
    expect(memory().numTensors).toBe(before)
  })
})

describe('a cascade', () => {
  it('runs what two networks share once, and the large one on what is passed on alone', async () => {
    await startBackend('wasm')
    const { small, large } = parting()
    const [shared, ownOfSmall, ownOfLarge] = [small.blocks[0]!, small.blocks[2]!, large.blocks[2]!].map((block) =>
      vi.spyOn(block, 'forward'),
    )
    const embedded = vi.spyOn(small.embedding, 'forward')
    const x = images()
    const sure = (await logitsOf(small, x)).map((logits) => confidences.margin(logits)).sort((a, b) => a - b)
    for (const spy of [shared!, ownOfSmall!, ownOfLarge!, embedded]) spy.mockClear()
    const half = (sure[5]! + sure[6]!) / 2
    const { passedOn, logits } = await forwardCascade(cascade(small, large, half, 'margin'), x)
    expect([passedOn.length, logits.shape]).toEqual([6, [12, 4]])
    const images12 = (spy: typeof shared) => spy!.mock.calls.map(([x]) => x.shape[0])
    expect([images12(shared), images12(ownOfSmall), images12(ownOfLarge)]).toEqual([[12], [12], [6]])
    expect(embedded).toHaveBeenCalledOnce()
    for (const [threshold, images] of [
      [2, [12]],
      [-2, []],
    ] as const) {
      ownOfLarge!.mockClear()
      await forwardCascade(cascade(small, large, threshold, 'margin'), x)
      expect(images12(ownOfLarge)).toEqual(images)
    }
  })

  it('passes on where the confidence is no number', async () => {
    await startBackend('wasm')
    const { small, large } = parting()
    const { passedOn } = await forwardCascade(cascade(small, large, 0, { name: 'none', of: () => Number.NaN }), images(3))
    expect(passedOn).toEqual([0, 1, 2])
  })

  it('costs the small network and what the large one adds, and stores once what both have', async () => {
    await startBackend('wasm')
    const { small, large } = parting()
    const { tokens } = small.embedding
    const front = small.embedding.macs() + 2 * small.blocks[0]!.macs(tokens)
    expect([sharedFront(small, large), sharedFrontMacs(small, large)]).toEqual([2, front])
    const [a, b] = [costOf(small), costOf(large)]
    const cost = costOfCascade({ small, large }, 0.25)
    expect(cost.macs).toBe(a.macs + 0.25 * (b.macs - front))
    const sizes = (network: Network) => Object.values(parametersOf(network)).reduce((sum, { size }) => sum + size, 0)
    const twice = sizes({ ...small, blocks: small.blocks.slice(0, 2), head: { ...small.head, parameters: {} } })
    expect(cost.parameters).toBe(a.parameters + b.parameters - twice)
    // While the small network ends, the output of the second block waits for the large one.
    const live = (each: Network) => costOf(each).memory / 4 - costOf(each).parameters
    expect(live(large)).toBe(live(small))
    expect(cost.memory).toBe(4 * (cost.parameters + live(small) + tokens * 8))
    const early: Network = { ...large, blocks: [large.blocks[2]!, ...large.blocks.slice(0, 2)] }
    expect(sharedFront(small, early)).toBe(0)
    const apart = costOfCascade({ small, large: early }, 1)
    expect(apart.memory).toBe(4 * (apart.parameters + live(small) + tokens * 8))
    const wide = lively(4, 12)
    const two = costOfCascade({ small, large: wide }, 1)
    expect(live(wide)).toBeGreaterThan(live(small))
    expect(two.memory).toBe(4 * (two.parameters + live(wide)))
    const other = lively(3)
    expect([sharedFront(small, other), sharedFrontMacs(small, other)]).toEqual([-1, 0])
    expect(costOfCascade({ small, large: other }, 1).macs).toBe(a.macs + costOf(other).macs)
    expect(costOfCascade({ small, large: small }, 1)).toMatchObject({ parameters: a.parameters, macs: a.macs + small.head.macs(tokens) })
  })

  it.each([
    [[0, 0, 0, 0], { probability: 0.25, margin: 0, entropy: 0 }],
    [
      [Math.log(6), Math.log(3), 0, 0],
      {
        probability: 6 / 11,
        margin: 3 / 11,
        entropy: 1 + (6 * Math.log(6 / 11) + 3 * Math.log(3 / 11) + 2 * Math.log(1 / 11)) / 11 / Math.log(4),
      },
    ],
    [[1e4, 0, 0, 0], { probability: 1, margin: 1, entropy: 1 }],
  ])('is sure of %j by', (logits, expected) => {
    for (const [name, value] of Object.entries(expected))
      expect(confidences[name as keyof typeof confidences](logits)).toBeCloseTo(value, 12)
    for (const of of Object.values(confidences)) expect(of([Number.NaN, 1])).toBeNaN()
  })

  const wrong = (value: unknown) => value as never
  it.each<[string, (small: Network) => unknown, string]>([
    [
      'no network',
      () => cascade(wrong({}), wrong({}), 1),
      'cascade: small must be a network, for example of loadModel or createViT; got an empty object',
    ],
    ['no threshold', (small) => cascade(small, small, wrong('0.5')), "cascade: threshold must be a finite number; got '0.5'"],
    [
      'other classes',
      (small) => cascade(small, createViT({ ...shape, classes: 5, width: 8 }, createRng(1)), 1),
      'tell the same classes apart; got 8 x 8 x 1 and 4 classes, 8 x 8 x 1 and 5 classes',
    ],
    [
      'an unknown confidence',
      (small) => cascade(small, small, 1, wrong('odds')),
      "cascade: a confidence must be probability, margin, entropy, or { name, of(logits) }; got 'odds'",
    ],
  ])('refuses %s', async (_, make, message) => {
    await startBackend('wasm')
    const small = lively(1)
    expect(() => make(small)).toThrow(message)
  })

  it('takes confidences of the user’s own', () => {
    const of = () => 1
    expect(confidenceNamed({ name: 'mine', of })).toEqual({ name: 'mine', of })
    expect(confidenceNamed('mine', { mine: of })).toEqual({ name: 'mine', of })
  })
})
