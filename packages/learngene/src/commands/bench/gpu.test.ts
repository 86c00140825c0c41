import { type BenchResult, failedResult } from '@learngene/bench'
import { expect, it } from 'vitest'
import { gpuMarkdown } from './gpu.js'

const failed = failedResult(
  {
    ...({ backend: 'webgpu', what: 'train', model: 'deit-base', batch: 32, workers: 1, device: 'Card', version: '4.22.0' } as const),
    ...{ features: [], note: null, pytorchDevice: null },
  },
  'it has | no\nmemory',
)
const ran: BenchResult = {
  ...failed,
  ...{ model: 'deit-tiny', batch: 64, error: null, msMedian: 25, imagesPerSecond: 2560, dispatches: 428, peakMemoryBytes: 1.9e9 },
  ...{ pytorchMsMedian: 24, pytorchRatio: 0.96, pytorchDevice: 'cuda, Card' },
}

it('is a table of Markdown that nothing breaks', () => {
  const machine = { cpu: null, cores: 8, memoryBytes: null, os: 'Linux', engine: 'node v22', date: '2026-11-26T10:00:00.000Z' }
  const adapter = { vendor: 'amd', architecture: 'rdna-3', device: '', description: '' }
  const facts = { adapter, limits: { maxBufferSize: 5 }, features: ['shader-f16'], subgroups: null, matrices: null }
  const benchmark = { machine, ...facts, results: [ran, failed] }
  expect(gpuMarkdown({ ...benchmark, precision: 'mixed' })).toContain('| ms, mixed |')
  expect(gpuMarkdown({ ...benchmark, precision: 'float32' })).toBe(`| GPU |  |
| --- | --- |
| adapter | amd, rdna-3 |
| limits | maxBufferSize 5 |
| features | shader-f16 |
| machine | an unnamed processor, 8 cores, Linux, node v22 |
| PyTorch | cuda, Card |
| date | 2026-11-26 |

| model | what | batch | ms, float32 | images/s | dispatches | GPU memory | PyTorch ms | of PyTorch |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| deit-tiny | train | 64 | 25.0 | 2560 | 428 | 1900 MB | 24.0 | 0.96 x |
| deit-base | train | 32 | it has \\| no memory |  |  |  |  |  |
`)
  const told = { subgroups: [32, 64], matrices: ['16x16x16 of f16 in f32', '16x16x32 of i8 in i32'] } as const
  expect(gpuMarkdown({ ...benchmark, ...told, precision: 'mixed' })).toContain(`| features | shader-f16 |
| subgroups | 32 to 64 threads |
| matrices of subgroups | 16x16x16 of f16 in f32, 16x16x32 of i8 in i32 |
| machine |`)
  expect(gpuMarkdown({ ...benchmark, subgroups: [32, 32], matrices: [], precision: 'mixed' })).toContain(`| subgroups | 32 threads |
| matrices of subgroups | none |
`)
})
