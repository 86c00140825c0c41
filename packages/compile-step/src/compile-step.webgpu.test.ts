import {
  add,
  engine,
  gradients,
  matMul,
  mean,
  memory,
  mul,
  oneHot,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  type Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core'
import '@learngene/ops'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { compileStep } from './index.js'
import { startWebGPU } from './webgpu/webgpu.fixture.js'

const backend = await startWebGPU()
void gradients

/** Values that differ from call to call and are the same in each run of the tests. */
const values = (length: number, seed = 1) => Float32Array.from({ length }, (_, i) => Math.sin(1 + 7.3 * seed + 1.7 * i))

interface Model {
  readonly weight: Variable
  readonly bias: Variable
}

const createModel = (): Model => ({ weight: variable(tensor(values(32), [8, 4])), bias: variable(tensor(values(4, 2), [4])) })

/** One step of gradient descent. */
function descend(model: Model, x: Tensor, y: Tensor, rate: Tensor): { loss: Tensor } {
  const { value, grads } = variableGrads(
    () => mean(square(sub(add(matMul(x as never, model.weight as never), model.bias), y))),
    Object.values(model),
  )
  for (const parameter of Object.values(model)) parameter.assign(sub(parameter, mul(grads[parameter.name]!, rate)))
  return { loss: value }
}

const read = async (...tensors: Tensor[]) => Promise.all(tensors.map(async (each) => [...(await each.data())]))

const counts = () => {
  const { numTensors, numDataBuffers } = memory()
  return { numTensors, numDataBuffers, dataIds: engine().backend.numDataIds() }
}

describe.skipIf(!backend)('on webgpu', () => {
  const models: Model[] = []
  const model = () => {
    const made = createModel()
    models.push(made)
    return made
  }
  afterEach(() => {
    for (const { weight, bias } of models.splice(0)) for (const each of [weight, bias]) if (!each.isDisposed) each.dispose()
  })
  beforeAll(() => expect(engine().backendName).toBe('webgpu'))

  test('replays give the bits of plain steps, with new inputs and rates, batches of two sizes in turns', async () => {
    const [plain, compiled] = [model(), model()]
    const step = compileStep(({ x, y, rate }: { x: Tensor; y: Tensor; rate: Tensor }) => descend(compiled, x, y, rate))
    for (let i = 0; i < 7; i++) {
      const n = i % 3 === 2 ? 4 : 6
      const inputs = { x: tensor(values(8 * n, i), [n, 8]), y: tensor(values(4 * n, i + 50), [n, 4]), rate: tensor(values(1, i)) }
      if (i % 2 === 1) engine().backend.read // inputs of odd steps are on the GPU already
      const expected = tidy(() => descend(plain, inputs.x, inputs.y, inputs.rate))
      const { loss } = step.run(inputs)
      expect(await read(loss, compiled.weight, compiled.bias)).toEqual(await read(expected.loss, plain.weight, plain.bias))
      expected.loss.dispose()
      for (const input of Object.values(inputs)) input.dispose()
    }
    expect(step.stats()).toMatchObject({ recordings: 2, captures: 4, replays: 7, plainRuns: 0, newBuffers: 0 })
    step.dispose()
  })
})
