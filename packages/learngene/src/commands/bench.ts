import { dirname } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Benchmark, What } from '@learngene/bench'
import type { Reporter } from '@learngene/interfaces'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { example, integer, integers, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'
import { assertPageReplaceable } from './assert-replaceable.js'
import { backends, findPyTorch, MODELS, readModel, WORKS, works } from './bench/options.js'

interface BenchCommandOptions {
  readonly backends?: BackendName[]
  readonly model: string
  readonly batch?: number
  readonly what: What[]
  readonly baseline?: boolean
  readonly onnx?: boolean
  readonly pytorch?: boolean
  readonly python: string
  readonly workers: number[]
  readonly relaxedSimd: boolean
  readonly ops: 'auto' | 'reference'
  readonly precision?: 'float32' | 'mixed'
  readonly steps?: number
  readonly timeout: number
  readonly html?: string
  readonly gpu?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What --gpu times where no model is named. */
const GPU_MODELS = ['deit-tiny', 'deit-small', 'deit-base'] as const

export function addBench(program: Command, io: Io): void {
  program
    .command('bench')
    .description('Time a Vision Transformer on every backend, in turns with stock TensorFlow.js and PyTorch.')
    .option('--backends <list>', 'tensorflow-gpu, webgpu, tensorflow, wasm, cpu (default: those that run here, but cpu)', backends)
    .option('--model <model>', `${MODELS.join(', ')}, a configuration as JSON, or a file with one`, 'deit-tiny')
    .option('--batch <number>', 'images per step (default: 4 of DeiT, 64 of the quickstart, else 8)', integer(1))
    .addOption(new Option('--what <list>', WORKS.join(', ')).argParser(works).default(['forward', 'train'], 'forward,train'))
    .option('--baseline', 'time stock TensorFlow.js as well')
    .option('--onnx', 'time our ONNX model in onnxruntime-web as well: inference on wasm, where the package is installed')
    .option('--pytorch', 'time PyTorch as well (default: where Python has it)')
    .option('--no-pytorch', 'leave PyTorch out')
    .option('--python <path>', 'the Python that has PyTorch', 'python3')
    .addOption(
      new Option('--workers <list>', 'data-parallel threads on wasm, such as 1,2: a line for each').argParser(integers).default([1], '1'),
    )
    .option('--no-relaxed-simd', 'run wasm without fused multiply-add')
    .addOption(
      new Option('--ops <form>', 'our kernels, or the reference form of our operations').choices(['auto', 'reference']).default('auto'),
    )
    .addOption(
      new Option('--precision <precision>', 'of our matrix products: mixed needs a GPU with units for float16').choices([
        'float32',
        'mixed',
      ]),
    )
    .option('--steps <number>', 'timed steps of each, at least 3 (default: by their time)', integer(3))
    .option('--timeout <seconds>', 'the longest that one of those compared may compute', integer(1), 600)
    .option('--html <file>', 'write a page with a plot')
    .addOption(
      new Option('--gpu', "this machine's GPU through webgpu, as Markdown for an issue: deit-tiny, -small and -base, or --model").conflicts(
        ['backends', 'html', 'baseline', 'onnx'],
      ),
    )
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene bench --model deit-tiny --batch 4 --what train --backends wasm --baseline'))
    .action(
      async (
        { model: modelText, pytorch, python: path, json, quiet, html, gpu, seed: _, ...options }: BenchCommandOptions & { seed: number },
        command: Command,
      ) => {
        if (gpu) {
          const given = command.getOptionValueSource('model') === 'cli' ? [modelText] : GPU_MODELS
          const models = await Promise.all(given.map(readModel))
          const python = await findPyTorch(pytorch, path)
          const { benchGpu, gpuMarkdown } = await import('./bench/gpu.js')
          const measure = (report: Reporter) => benchGpu({ ...options, models, python, report, signal: io.signal })
          const benchmark = await withProgress(io, measure, quiet)
          if (json) printJson(io, benchmark)
          else io.stdout.write(gpuMarkdown(benchmark))
          assertAnyRan(benchmark)
          return
        }
        if (html !== undefined) await assertPageReplaceable(html, 'remove it')
        const model = await readModel(modelText)
        const batch = options.batch ?? model.batch
        const uneven = options.workers.find((count) => batch % count > 0)
        if (uneven !== undefined) throw new UsageError(`--batch must divide by --workers; got ${batch} images and ${uneven} workers`)
        const python = await findPyTorch(pytorch, path)
        const { runBenchmark } = await import('@learngene/bench/node')
        const benchmark = await withProgress(
          io,
          (report) => runBenchmark({ ...options, batch, model, python, report, signal: io.signal }),
          quiet,
        )
        if (json) printJson(io, benchmark)
        else {
          const { benchTable } = await import('./bench/table.js')
          io.stdout.write(`${benchTable(benchmark)}\n`)
        }
        if (html !== undefined) await writePage(html, benchmark, options, modelText)
        assertAnyRan(benchmark)
        if (!json) io.stdout.write(nextText([commandText('verify', '--backend', fastest(benchmark))], quiet))
      },
    )
}

async function writePage(
  file: string,
  benchmark: Benchmark,
  options: Pick<BenchCommandOptions, 'baseline' | 'onnx' | 'what' | 'workers'>,
  model: string,
) {
  const { benchPage } = await import('./bench/page.js')
  const { makeFolder, writeFileAtomically } = await import('@learngene/vit-blocks/node')
  const names = [...new Set(benchmark.results.map(({ backend }) => backend))]
  const what = [
    '--what',
    options.what.join(),
    '--workers',
    options.workers.join(),
    ...(options.baseline ? ['--baseline'] : []),
    ...(options.onnx ? ['--onnx'] : []),
  ]
  const command = commandText('bench', '--backends', names.join(), '--model', model, '--batch', benchmark.results[0]!.batch, ...what)
  await makeFolder(dirname(file))
  await writeFileAtomically(file, benchPage(benchmark, command))
}

/** Of what ran, the backend with the shortest step. */
function fastest({ results }: Benchmark): string {
  const ran = results.filter(({ msMedian }) => msMedian !== null)
  return ran.reduce((best, each) => (each.msMedian! < best.msMedian! ? each : best)).backend
}

function assertAnyRan({ results }: Pick<Benchmark, 'results'>): void {
  if (results.some(({ error }) => error === null)) return
  throw new Error(`no backend ran: ${[...new Set(results.map(({ backend, error }) => `${backend}: ${error}`))].join('; ')}`)
}
