import { crossEntropy, gelu, linear } from '@learngene/ops'
import { startBackend, TOLERANCES } from '@learngene/testing'
import {
  memory,
  mul,
  type Scalar,
  sum,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { adamW } from './adamw.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import { createRng } from './rng.js'
import { train } from './train.js'

const missing = await startBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)

type Batch = { readonly x: Tensor2D; readonly y: Tensor2D }

/** A network of two layers on batches that are drawn anew in each step; that of step `spoiled` has no finite loss. */
function createTask(spoiled = -1) {
  const rng = createRng(1)
  const normals = (rows: number, columns: number, draw = rng) =>
    tensor2d(
      Float32Array.from({ length: rows * columns }, () => draw.normal()),
      [rows, columns],
    )
  const weight = (rows: number, columns: number) => tidy(() => variable(normals(rows, columns)))
  const bias = (size: number) => tidy(() => variable(tensor(new Float32Array(size))))
  const parameters: { [name: string]: Variable } = { first: weight(8, 6), firstBias: bias(8), last: weight(3, 8), lastBias: bias(3) }
  const layer = (x: Tensor2D, name: string) => linear(x, parameters[name] as Tensor2D, parameters[`${name}Bias`] as Tensor1D)
  const options = {
    parameters,
    steps: 8,
    optimizer: adamW(),
    learningRate: (step: number) => 0.02 / (1 + step),
    batch(step: number): Batch {
      const x = normals(5, 6, rng.fork(`${step}`))
      const y = tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0], [5, 3])
      return { x: step === spoiled ? mul(x, Number.NaN) : x, y }
    },
    loss: (_step: number, _part: number, { x, y }: Batch) =>
      mul(sum(crossEntropy(layer(gelu(layer(x, 'first')), 'last'), y)), 0.2) as Scalar,
  }
  const values = () => Promise.all(Object.values(parameters).map((parameter) => parameter.data()))
  return { options, values, dispose: () => Object.values(parameters).forEach((parameter) => void parameter.dispose()) }
}

const compile = { key: () => '' }

describe.skipIf(missing !== undefined)(`compiled steps on tensorflow${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(() => startBackend('tensorflow'))

  test.each([
    ['as it is', {}],
    ['clipped, of two parts', { clipNorm: 0.5, accumulate: 2 }],
  ])('%s: the losses of plain steps', async (_, more) => {
    const [plain, compiled] = [createTask(), createTask()]
    const before = memory().numTensors
    const expected = await train({ ...plain.options, ...more })
    const loss = vi.fn(compiled.options.loss)
    const losses = await train({ ...compiled.options, ...more, loss, compile })
    expect(loss).toHaveBeenCalledTimes(2 * ('accumulate' in more ? 2 : 1))
    expect(memory().numTensors).toBe(before)
    for (const [i, value] of losses.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(TOLERANCES.tensorflow.identity)
    const [found, wanted] = [await compiled.values(), await plain.values()]
    for (const [i, each] of found.entries())
      for (const [k, value] of each.entries()) expect(Math.abs(value - wanted[i]![k]!)).toBeLessThan(TOLERANCES.tensorflow.identity)
    plain.dispose()
    compiled.dispose()
  })

  test('an interrupted training comes to the same bits', async () => {
    const [whole, parts] = [createTask(), createTask()]
    const losses = await train({ ...whole.options, compile })
    let saved: TrainingCheckpoint | undefined
    const stop = new AbortController()
    const save = (state: TrainingCheckpoint) => {
      saved = structuredClone(state)
      stop.abort(new Error('interrupted'))
    }
    await expect(train({ ...parts.options, compile, checkpoint: { every: 3, save }, signal: stop.signal })).rejects.toThrow('interrupted')
    expect(await train({ ...parts.options, compile, resume: saved })).toEqual(losses)
    expect(await parts.values()).toEqual(await whole.values())
    whole.dispose()
    parts.dispose()
  })

  test('a step whose loss is not finite changes nothing', async () => {
    const [spoiled, good] = [createTask(3), createTask()]
    await expect(train({ ...spoiled.options, compile })).rejects.toThrow('the loss must stay finite; step 3 of 8 gave NaN')
    await train({ ...good.options, steps: 3, compile })
    expect(await spoiled.values()).toEqual(await good.values())
    spoiled.dispose()
    good.dispose()
  })
})
