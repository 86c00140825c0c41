import { expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { computingOf } from './program.js'
import { smallRun } from './small-pictures.fixture.js'

const { distillation, fineTuning } = smallRun
const computing = (change: object, backend: 'wasm' | 'webgpu') =>
  computingOf({
    config: { ...smallRun, images: { training: 'embedded' }, ...change },
    ...{ backend, workers: 1, report: () => {}, signal: new AbortController().signal },
  })

it('refuses mixed precision before anything is trained where the backend has none', async () => {
  for (const change of [
    { distillation: { ...distillation, precision: 'mixed' } },
    { fineTuning: { ...fineTuning, precision: 'mixed' } },
    { model: { ...smallRun.model, training: { ...smallRun.model!.training, precision: 'mixed' } } },
  ]) {
    await expect(computing(change, 'wasm')).rejects.toThrow(UsageError)
    await expect(computing(change, 'wasm')).rejects.toThrow(
      /\.precision 'mixed' needs webgpu on a GPU with matrix units for float16; got the backend wasm: take float32$/,
    )
    expect(await computing(change, 'webgpu')).toEqual({ backend: 'webgpu', workers: 1 })
  }
})
