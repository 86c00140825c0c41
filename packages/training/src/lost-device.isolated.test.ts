import { useBackend } from '@learngene/backends'
import { engine } from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { adamW } from './adamw.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import { createRegression } from './regression.fixture.js'
import { type TrainOptions, train } from './train.js'

const missing = await useBackend('webgpu').then(
  () => '',
  (error: Error) => ` (${error.message})`,
)

const STEPS = 10

describe.skipIf(missing !== '')(`a GPU device that is lost during a training${missing}`, () => {
  /** Trains a fresh network; `interrupt` runs within the loss of each step. */
  const run = async (options: Partial<TrainOptions>, interrupt?: (step: number) => void) => {
    const { parameters, loss, dispose } = createRegression()
    try {
      return await train({
        parameters,
        steps: STEPS,
        loss: (step) => {
          interrupt?.(step)
          return loss()
        },
        optimizer: adamW(),
        learningRate: () => 0.02,
        ...options,
      })
    } finally {
      dispose()
    }
  }

  test('ends it with that error; the last checkpoint is intact and goes on on a new device', async () => {
    const expected = await run({})
    let saved: TrainingCheckpoint | undefined
    const save = (state: TrainingCheckpoint) => {
      saved = state
    }
    const lose = (step: number) => {
      if (step === 5) (engine().backend as unknown as { device: GPUDevice }).device.destroy()
    }
    await expect(run({ checkpoint: { every: 2, save } }, lose)).rejects.toThrow('the GPU device was lost')
    expect(saved?.step).toBe(4)

    await useBackend('webgpu')
    const resumed = await run({ resume: saved })
    for (const [step, loss] of expected.entries()) expect(resumed[step]).toBeCloseTo(loss, 5)
  })
})
