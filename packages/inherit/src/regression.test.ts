import { copyOf, type Matrix64, product, solvePositiveDefinite, transpose, block as viewOf, zeros } from '@learngene/stitch/linear-algebra'
import { startBackend } from '@learngene/testing'
import { slice, type Tensor3D, tensor3d } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { greedyInputs } from './greedy-inputs.js'
import { affineColumns, type Normal, normalEquations, regressToward } from './regression.js'
import { random, relativeError } from './testing/lively.js'

beforeAll(() => startBackend('wasm'))

describe('regressions', () => {
  const x = random(60, 5, 9)
  const map = random(3, 5, 10)
  const bias = [1, -2, 3]
  const y = product(x, transpose(map))
  for (let row = 0; row < 60; row++) for (let i = 0; i < 3; i++) y.data[row * 3 + i]! += bias[i]!
  const withOne = zeros(60, 6)
  for (let row = 0; row < 60; row++) {
    withOne.data.set(x.data.subarray(row * 5, (row + 1) * 5), row * 6)
    withOne.data[row * 6 + 5] = 1
  }
  /** The equations of rows `first` to before `end`. */
  const normalOf = (outputs: Matrix64, first = 0, end = 60): Normal => {
    const [inputs, to] = [viewOf(withOne, first, 0, end - first, 6), viewOf(outputs, first, 0, end - first, 3)]
    return { xx: product(transpose(inputs), inputs), xy: product(transpose(inputs), to) }
  }
  const all = normalOf(y)
  const truth = affineColumns(map, bias)
  const prior = affineColumns(random(3, 5, 11), [0, 0, 0])

  it('find the map that explains the images held out too', () => {
    const found = regressToward({ all, heldOut: normalOf(y, 45) }, prior)
    expect(relativeError(found.data, truth.data)).toBeLessThan(1e-3)
    expect(relativeError(regressToward({ all, heldOut: normalOf(y, 45) }, truth).data, truth.data)).toBeLessThan(1e-12)
  })

  it('stay at the prior where what other images say does not hold', () => {
    const noisy = product(withOne, prior)
    const noise = random(60, 3, 12)
    for (let i = 0; i < noisy.data.length; i++) noisy.data[i]! += 3 * noise.data[i]!
    const equations = { all: normalOf(noisy), heldOut: normalOf(noisy, 45) }
    const distance = (found: Matrix64) => relativeError(found.data, prior.data)
    const free = solvePositiveDefinite(copyOf(equations.all.xx), copyOf(equations.all.xy))
    expect(distance(free)).toBeGreaterThan(0.2)
    expect(distance(regressToward(equations, prior))).toBeLessThan(0.5 * distance(free))
  })

  it('are pulled by a middling ridge where no image can be held out', () => {
    const found = regressToward({ all, heldOut: undefined }, prior)
    const error = relativeError(found.data, truth.data)
    expect(error).toBeGreaterThan(1e-3)
    expect(error).toBeLessThan(0.3)
  })

  it('are summed over all images, over a quarter of each batch apart, and by the weights of tokens', async () => {
    const stream = (matrix: Matrix64, images: number, columns: number) => tensor3d(Float32Array.from(matrix.data), [images, 3, columns])
    const [inputs, outputs] = [stream(x, 20, 5), stream(y, 20, 3)]
    const batches = (values: Tensor3D) => [slice(values, [0, 0, 0], [16, 3, -1]), slice(values, [16, 0, 0], [4, 3, -1])] as Tensor3D[]
    const plain = await normalEquations(batches(inputs), batches(outputs))
    expect(relativeError(plain.all.xy.data, all.xy.data)).toBeLessThan(1e-6)
    const [first, second] = [normalOf(y, 36, 48), normalOf(y, 57)] // images 12 to 15 and 19
    const both = first.xx.data.map((value, i) => value + second.xx.data[i]!)
    expect(relativeError(plain.heldOut!.xx.data, both)).toBeLessThan(1e-6)
    const thrice = await normalEquations([inputs], [outputs], [3, 1, 1])
    const twice = await normalEquations([inputs], [outputs], [2, 1, 1])
    const firstTokens = thrice.all.xx.data.map((value, i) => value - twice.all.xx.data[i]!)
    const rows = Array.from({ length: 20 }, (_, image) => normalOf(y, 3 * image, 3 * image + 1).xx.data)
    expect(
      relativeError(
        firstTokens,
        rows.reduce((sum, row) => sum.map((value, i) => value + row[i]!)),
      ),
    ).toBeLessThan(1e-5)
    const alone = await normalEquations([slice(inputs, [0, 0, 0], [1, 3, 5])], [slice(outputs, [0, 0, 0], [1, 3, 3])])
    expect(alone.heldOut).toBeUndefined()
  })

  it('choose the inputs that explain most, one after the other', () => {
    const weights = zeros(5, 3)
    for (const [input, size] of [[3, 10], [0, 3], [4, 1]] as const) for (let i = 0; i < 3; i++) weights.data[input * 3 + i] = size * (i + 1) // biome-ignore format: one row
    const clear = { xx: all.xx, xy: product(transpose(withOne), product(x, weights)) }
    expect(greedyInputs(clear, 3, 1e-9)).toEqual([3, 0, 4])
    expect(greedyInputs(clear, 5, 1e-9).toSorted()).toEqual([0, 1, 2, 3, 4])
  })
})
