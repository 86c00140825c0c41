import { basename, extname, join } from 'node:path'
import { type ModelFiles, toCascadeParts } from '@learngene/export'
import type { RunReport } from '@learngene/recipe/reports'
import { formatPath, isCascadeText, parseCascade } from '@learngene/stitch'
import { costOf, type ModelDetails, type Network } from '@learngene/vit-blocks'
import { UsageError } from '../../errors.js'
import { disposeClassifier, isCascade } from '../../predict/classifier.js'
import { commandText } from '../../report/next.js'
import { startBackend } from '../../start-backend.js'
import { type ExtractContext as Context, measuredOf } from '../extract-from-run.js'
import { cardOf } from './card.js'
import type { ExportFormat, ExportOptions } from './formats.js'
import { latencyOf } from './measure-latency.js'
import { type Exported, openSource, passedOnOf } from './open-source.js'
import { writeExport } from './write-export.js'
import { endings, formats } from './write-format.js'

/**
 * Writes a model, or a descendant of a run, in a format of others.
 *
 * @throws UsageError when options do not fit together; an error when the model cannot be loaded, the format cannot hold it, or what is there is somebody else's
 */
export async function exportModel(options: ExportOptions, context: Context) {
  const { report, signal } = context
  const { format, weights = 'float32', force = false } = options
  checkOptions(options)
  await startBackend('wasm')
  const exported = await openSource(options, context)
  const { model, details, stem, run, choice, row } = exported
  try {
    signal?.throwIfAborted()
    const out = options.out ?? defaultOut(options, stem, run)
    const { file, files } = await filesOf(exported, options, out)
    report({ kind: 'stage', name: `write it for ${format}` })
    const measured = run ? measuredOf(run, row) : null
    const latency = await latencyOf(exported, options, context)
    const card = cardOf(exported, { format, weights, files, measured, latency, address: options.model })
    signal?.throwIfAborted()
    const written = await writeExport(out, file === undefined ? new Map([['README.md', card], ...files]) : files, {
      file: file !== undefined,
      force,
    })
    return {
      format,
      weights: format === 'transformers.js' ? null : weights,
      path: typeof details.path === 'string' ? details.path : null,
      ...sizeOf(exported),
      out,
      files: written,
      /** Of a cascade: how its parts answer together; the same is in cascade.json. */
      cascade: isCascade(model)
        ? { threshold: model.threshold, confidence: model.confidence.name, passedOn: passedOnOf(exported) ?? null }
        : null,
      chosen: choice
        ? {
            path: choice.chosen.path,
            budget: options.budget!.caps,
            runnerUp: choice.runnerUp?.path ?? null,
            why: choice.why,
            images: run!.images.validation,
          }
        : null,
      measured,
      latency,
      next: nextAfter(format, file === undefined ? out : file, isCascade(model), run),
    }
  } finally {
    disposeClassifier(model)
  }
}

/** Parameters of all that is written, and the MACs of an image; of a cascade on average, or where that is not known of one that is passed on. */
function sizeOf(exported: Exported): { readonly parameters: number; readonly macs: number } {
  const { model } = exported
  if (!isCascade(model)) {
    const { parameters, macs } = costOf(model)
    return { parameters, macs }
  }
  const [small, large] = [costOf(model.small), costOf(model.large)]
  return { parameters: small.parameters + large.parameters, macs: small.macs + (passedOnOf(exported) ?? 1) * large.macs }
}

/** @throws UsageError */
function checkOptions({ format, weights, opset, out }: ExportOptions): void {
  const more = 'learngene export --help tells more'
  if (opset !== undefined && format !== 'onnx' && format !== 'transformers.js')
    throw new UsageError(`--opset belongs to --format onnx and transformers.js; got ${format}; ${more}`)
  if (weights !== undefined && format === 'transformers.js')
    throw new UsageError(`--format transformers.js writes float32 and int8 side by side; leave out --weights; ${more}`)
  if (weights === 'int8' && (format === 'timm' || format === 'huggingface'))
    throw new UsageError(`--format ${format} has no int8 weights that others read; take float32 or float16, or --format onnx; ${more}`)
  const ending = out === undefined ? '' : extname(out)
  if (Object.values(endings).includes(ending) && endings[format] !== ending)
    throw new UsageError(`--out must be a folder, or of --format ${ending.slice(1)} a file; got ${out} for --format ${format}; ${more}`)
}

/** Beside what a run has made; else in the current folder. */
function defaultOut({ model, format, weights = 'float32' }: ExportOptions, stem: string, run: RunReport | undefined): string {
  const plain = stem.replaceAll(/[^\w.+-]+/g, '-').replace(/^[-.]+/, '') || 'model'
  const name = `${plain}-${format}${weights === 'float32' ? '' : `-${weights}`}`
  return run ? join(model, name) : name
}

/** What is written: into the folder `out`, or where it names a file under the names that it leads to. */
async function filesOf(
  { model, details, writers }: Exported,
  options: ExportOptions,
  out: string,
): Promise<{ file?: string; files: ModelFiles }> {
  const { format, weights = 'float32', opset } = options
  const ending = endings[format]
  const single = ending !== undefined && extname(out) === ending
  const onnx = { ...(opset !== undefined && { opset }), ...(writers && { writers }) }
  const write = (network: Network, own: ModelDetails) =>
    formats[format](network, { details: own, weights, onnx, name: single ? basename(out) : `model${ending ?? ''}` })
  if (!isCascade(model)) {
    const files = await write(model, details)
    return single ? { file: out, files } : { files }
  }
  if (single) throw new UsageError(`a cascade is two models: --out must be a folder; got ${out}; learngene export --help tells more`)
  return { files: await toCascadeParts(model, (network, part) => write(network, detailsOfPart(details, part))) }
}

/** A part's own path in the place of the cascade's. */
function detailsOfPart({ path, passedOn: _, ...details }: ModelDetails, part: 'small' | 'large'): ModelDetails {
  return typeof path === 'string' && isCascadeText(path) ? { ...details, path: formatPath(parseCascade(path)[part]) } : details
}

/** What comes next: ours reads the formats of tensors; the others need their library. */
function nextAfter(format: ExportFormat, out: string, parts: boolean, run: RunReport | undefined): string {
  if (format === 'onnx') return 'npm install onnxruntime-web'
  if (format === 'transformers.js') return 'npm install @huggingface/transformers'
  const folder = parts ? join(out, 'small') : out
  const model = format === 'safetensors' && extname(out) !== '.safetensors' ? join(folder, 'model.safetensors') : folder
  const { training } = (run?.config.images ?? {}) as { readonly training?: string }
  return training === 'embedded' ? commandText('evaluate', model) : commandText('classify', model, 'PICTURE.jpg')
}
