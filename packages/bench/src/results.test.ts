import { expect, it } from 'vitest'
import type { Measured } from './compare.js'
import { failedResult, type ResultHead, toResult } from './results.js'

const head: ResultHead = {
  backend: 'webgpu',
  what: 'train',
  model: 'deit-tiny',
  batch: 8,
  workers: 1,
  device: 'a GPU',
  version: '4.22.0',
  features: ['f16'],
  note: null,
  pytorchDevice: 'a GPU, torch 2',
}
const measured = (...ms: number[]): Measured => ({
  ms,
  memory: { bytes: 1000 * ms[0]!, of: 'gpu' },
  commands: { dispatches: 400, uploads: 1, newBuffers: 0 },
})

it('gives medians, ratios and counts', () => {
  const result = toResult(head, measured(10, 30, 20), {
    stock: measured(200, 100, 300),
    pytorch: measured(5, 10, 15),
    onnx: measured(50, 40, 60),
  })
  expect(result).toMatchObject({
    msMedian: 20,
    spread: { least: 10, q1: 15, q3: 25, most: 30 },
    imagesPerSecond: 400,
    steps: 3,
    baselineMsMedian: 200,
    speedup: 10,
    pytorchMsMedian: 10,
    pytorchRatio: 0.5,
    onnxMsMedian: 50,
    onnxRatio: 2.5,
    pytorchDevice: 'a GPU, torch 2',
    peakMemoryBytes: 10_000,
    memoryOf: 'gpu',
    baselinePeakMemoryBytes: 200_000,
    dispatches: 400,
    uploads: 1,
    newBuffers: 0,
    error: null,
  })
})

it('gives null for what was not measured', () => {
  const { speedup, baselineMsMedian, pytorchRatio, pytorchDevice } = toResult(head, measured(10))
  expect([speedup, baselineMsMedian, pytorchRatio, pytorchDevice]).toEqual([null, null, null, null])
})

it('keeps our time where stock or PyTorch failed, and says so', () => {
  const result = toResult({ ...head, note: 'a note' }, measured(10), {
    stock: new Error('out of memory'),
    pytorch: new Error('no torch'),
    onnx: new Error('not installed'),
  })
  expect(result).toMatchObject({ msMedian: 10, speedup: null, pytorchRatio: null, error: null })
  expect(result.note).toBe('a note; stock failed: out of memory; PyTorch failed: no torch; ONNX failed: not installed')
})

it('gives the reason where we did not run', () => {
  expect(failedResult(head, 'no adapter')).toMatchObject({ msMedian: null, imagesPerSecond: null, steps: 0, error: 'no adapter' })
  expect(toResult(head, new Error('crashed'), { stock: measured(10) })).toMatchObject({
    baselineMsMedian: 10,
    speedup: null,
    error: 'crashed',
  })
})
