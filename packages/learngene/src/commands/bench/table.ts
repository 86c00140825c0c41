import type { Benchmark, BenchResult } from '@learngene/bench'
import { formatCount, textTable } from '../../report/text.js'

/** A column, shown where any line has a value for it. */
interface Column {
  readonly heading: string
  readonly left?: boolean
  text(result: BenchResult): string | null
}

/** Milliseconds with three digits. */
export const formatMs = (ms: number): string => (ms >= 99.5 ? ms.toFixed(0) : ms >= 9.95 ? ms.toFixed(1) : ms.toFixed(2))

/** A ratio: 12.3 x, 0.45 x. */
export const formatRatio = (ratio: number): string => `${ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2)} x`

const optional = (value: number | null, format: (value: number) => string): string | null => (value === null ? null : format(value))
const range = (spread: BenchResult['spread']): string | null => (spread ? `${formatMs(spread.q1)} to ${formatMs(spread.q3)}` : null)
const bytes = (value: number | null) => optional(value, (size) => `${formatCount(size)}B`)

export const COLUMNS: readonly Column[] = [
  { heading: 'backend', left: true, text: ({ backend }) => backend },
  { heading: 'what', left: true, text: ({ what }) => what },
  { heading: 'batch', text: ({ batch }) => String(batch) },
  { heading: 'workers', text: ({ workers, backend }) => (backend === 'wasm' ? String(workers) : null) },
  { heading: 'ms', text: ({ msMedian }) => optional(msMedian, formatMs) },
  { heading: 'quartiles', text: ({ spread }) => range(spread) },
  { heading: 'images/s', text: ({ imagesPerSecond }) => optional(imagesPerSecond, formatMs) },
  { heading: 'peak memory', text: ({ peakMemoryBytes }) => bytes(peakMemoryBytes) },
  { heading: 'dispatches', text: ({ dispatches }) => optional(dispatches, String) },
  { heading: 'stock ms', text: ({ baselineMsMedian }) => optional(baselineMsMedian, formatMs) },
  { heading: 'speedup', text: ({ speedup }) => optional(speedup, formatRatio) },
  { heading: 'PyTorch ms', text: ({ pytorchMsMedian }) => optional(pytorchMsMedian, formatMs) },
  { heading: 'of PyTorch', text: ({ pytorchRatio }) => optional(pytorchRatio, formatRatio) },
  { heading: 'ONNX ms', text: ({ onnxMsMedian }) => optional(onnxMsMedian, formatMs) },
  { heading: 'of ONNX', text: ({ onnxRatio }) => optional(onnxRatio, formatRatio) },
]

/** The lines that ran, and the columns that any of them has a value for. */
export function filled(results: readonly BenchResult[]): { readonly columns: readonly Column[]; readonly rows: readonly BenchResult[] } {
  const rows = results.filter(({ error }) => error === null)
  return { columns: COLUMNS.filter(({ text }) => rows.some((row) => text(row) !== null)), rows }
}

/** What a line is about. */
export const nameOf = ({ backend, what, workers }: BenchResult): string => `${backend} ${what}${workers > 1 ? `, ${workers} workers` : ''}`

/** What is to be said of lines besides their numbers. */
export function remarks(results: readonly BenchResult[]): string[] {
  const peers = new Set(
    results.flatMap(({ pytorchDevice, backend }) => (pytorchDevice ? [`PyTorch beside ${backend}: ${pytorchDevice}`] : [])),
  )
  const said = results.flatMap((result) => {
    if (result.error !== null) return [`${result.backend} did not run ${result.what}: ${result.error}`]
    return result.note === null ? [] : [`${nameOf(result)}: ${result.note}`]
  })
  const features = new Map(
    results.flatMap(({ backend, device, version, features, error }) => {
      const parts = [version, device, ...features].filter((part) => part !== null)
      return error === null && parts.length > 0 ? [[backend, parts.join(', ')] as const] : []
    }),
  )
  return [...[...features].map(([backend, text]) => `${backend}: ${text}`), ...peers, ...said]
}

export function benchTable({ machine, results }: Benchmark): string {
  const { columns, rows } = filled(results)
  const { cpu, cores, os, engine, date } = machine
  const lines = [`${results[0]!.model} on ${cpu ?? 'an unnamed processor'}, ${cores} cores, ${os}, ${engine}, ${date.slice(0, 10)}`]
  if (rows.length > 0) {
    lines.push(
      textTable(
        columns.map(({ heading }) => heading),
        rows.map((row) => columns.map(({ text }) => text(row) ?? '')),
        columns.map(({ left }) => (left ? 'left' : 'right')),
      ),
    )
  }
  return [...lines, ...remarks(results)].join('\n')
}
