import { useBackend } from '@learngene/backends'
import type { BenchModel, BenchResult, What } from '@learngene/bench'
import { type BenchOptions, runBenchmark } from '@learngene/bench/node'
import { type AdapterFacts, adapterFacts } from '@learngene/ops/webgpu'
import type { TrainingPrecision } from '@learngene/training'
import { engine } from '@tensorflow/tfjs-core'
import { formatMs, formatRatio } from './table.js'

/** What a GPU tells of itself. */
export interface GpuFacts extends Omit<AdapterFacts, 'software'> {
  readonly limits: { readonly [name: string]: number }
  readonly features: readonly string[]
}

export interface GpuBenchmark extends GpuFacts {
  readonly machine: Awaited<ReturnType<typeof runBenchmark>>['machine']
  readonly precision: TrainingPrecision
  readonly results: readonly BenchResult[]
}

const LIMITS = [
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
] as const

/** Images per step where nobody says: those of the published comparisons. */
const BATCHES: { readonly [name: string]: number } = { 'deit-tiny': 64, 'deit-small': 64, 'deit-base': 32 }

type Options = Omit<BenchOptions, 'backends' | 'model' | 'what'> & {
  readonly models: readonly BenchModel[]
  readonly what: readonly What[]
}

/**
 * Times models on this machine's GPU through webgpu, training recorded, in turns with PyTorch where it is.
 *
 * @throws where webgpu cannot be started or its adapter computes on the CPU
 */
export async function benchGpu({ models, batch, ...options }: Options): Promise<GpuBenchmark> {
  const facts = await gpuFacts()
  const results: BenchResult[] = []
  let machine: GpuBenchmark['machine'] | undefined
  for (const model of models) {
    const at = batch ?? BATCHES[model.name] ?? model.batch
    const benchmark = await runBenchmark({ ...options, backends: ['webgpu'], model, batch: at })
    machine = benchmark.machine
    results.push(...benchmark.results)
  }
  return { machine: machine!, ...facts, precision: options.precision ?? 'float32', results }
}

async function gpuFacts(): Promise<GpuFacts> {
  await useBackend('webgpu')
  const { device } = engine().backend as unknown as { readonly device: GPUDevice }
  const { software, ...facts } = adapterFacts()
  if (software) throw new Error(softwareText(facts))
  return {
    ...facts,
    limits: Object.fromEntries(LIMITS.map((limit) => [limit, device.limits[limit]])),
    features: [...device.features].sort(),
  }
}

const nameOf = ({ adapter }: Pick<GpuFacts, 'adapter'>) => Object.values(adapter).filter(Boolean).join(', ') || 'unnamed'

const softwareText = (facts: Pick<GpuFacts, 'adapter'>) =>
  `bench --gpu needs an adapter that is a GPU; the only one here computes on the CPU (${nameOf(facts)}). Time a small model there by --backends webgpu --model quickstart`

/** A table that can be pasted into an issue. */
export function gpuMarkdown({ machine, precision, results, ...gpu }: GpuBenchmark): string {
  const { cpu, cores, os, engine: runtime, date } = machine
  const peers = [...new Set(results.flatMap(({ pytorchDevice }) => pytorchDevice ?? []))]
  const facts = [
    ['adapter', nameOf(gpu)],
    [
      'limits',
      Object.entries(gpu.limits)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
    ['features', gpu.features.join(', ') || 'none'],
    ...(gpu.subgroups ? [['subgroups', `${[...new Set(gpu.subgroups)].join(' to ')} threads`]] : []),
    ...(gpu.matrices ? [['matrices of subgroups', gpu.matrices.join(', ') || 'none']] : []),
    ['machine', `${cpu ?? 'an unnamed processor'}, ${cores} cores, ${os}, ${runtime}`],
    ['PyTorch', peers.join('; ') || 'not timed'],
    ['date', date.slice(0, 10)],
  ]
  const rows = results.map((result) => {
    const { model, what, batch, error, msMedian, imagesPerSecond, dispatches, peakMemoryBytes, pytorchMsMedian, pytorchRatio } = result
    if (error !== null) return [model, what, batch, error, '', '', '', '', '']
    return [
      ...[model, what, batch, text(msMedian, formatMs), text(imagesPerSecond, formatMs), text(dispatches, String)],
      ...[
        text(peakMemoryBytes, (bytes) => `${(bytes / 1e6).toFixed(0)} MB`),
        text(pytorchMsMedian, formatMs),
        text(pytorchRatio, formatRatio),
      ],
    ]
  })
  const headings = ['model', 'what', 'batch', `ms, ${precision}`, 'images/s', 'dispatches', 'GPU memory', 'PyTorch ms', 'of PyTorch']
  return [...markdownTable(['GPU', ''], facts), '', ...markdownTable(headings, rows), ''].join('\n')
}

const text = (value: number | null, format: (value: number) => string) => (value === null ? '' : format(value))

/** What would end a cell or a line of a table. */
const cell = (value: string | number) => String(value).replaceAll('|', '\\|').replaceAll('\n', ' ')

function markdownTable(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)]
}
