import { basename, extname, join } from 'node:path'
import { type ModelFiles, type OnnxOptions, toHuggingFace, toOnnx, toTimm, toTransformersJs } from '@learngene/export'
import { disposePool, extractDescendant } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import type { RunReport } from '@learngene/recipe/reports'
import { formatPath } from '@learngene/stitch'
import { costOf, disposeNetwork, loadModel, type ModelDetails, type Network, saveModel } from '@learngene/vit-blocks'
import { UsageError } from '../../errors.js'
import { poolOfRun, readRun } from '../../read-run.js'
import { commandText } from '../../report/next.js'
import { exists, REPORT } from '../../run/run-folder.js'
import { startBackend } from '../../start-backend.js'
import { type ExtractContext as Context, findInRun, findPath, measuredOf } from '../extract-from-run.js'
import { loadModelAt, registryOf } from '../load-model.js'
import { modelFileName } from '../model-file-name.js'
import { cardOf, type Exported } from './card.js'
import type { ExportFormat, ExportOptions } from './formats.js'
import { writeExport } from './write-export.js'

/**
 * Writes a model, or a descendant of a run, in a format of others.
 *
 * @throws UsageError when options do not fit together; an error when the model cannot be loaded, the format cannot hold it, or what is there is somebody else's
 */
export async function exportModel(options: ExportOptions, context: Context) {
  const { report, signal } = context
  const { model, format, weights = 'float32', force = false } = options
  checkOptions(options)
  await startBackend('wasm')
  const exported = await openSource(options, context)
  const { network, details, stem, run, choice } = exported
  try {
    signal?.throwIfAborted()
    report({ kind: 'stage', name: `write it for ${format}` })
    const out = options.out ?? defaultOut(options, stem, run)
    const { file, files } = await filesOf(exported, options, out)
    const { macs, parameters } = costOf(network)
    const measured =
      run && typeof details.path === 'string'
        ? measuredOf(
            run,
            run.descendants.find((each) => each.path === details.path),
          )
        : null
    const card = cardOf(exported, { format, weights, files, measured, model })
    signal?.throwIfAborted()
    const written = await writeExport(out, file === undefined ? new Map([['README.md', card], ...files]) : files, {
      file: file !== undefined,
      force,
    })
    return {
      format,
      weights: format === 'transformers.js' ? null : weights,
      path: typeof details.path === 'string' ? details.path : null,
      parameters,
      macs,
      out,
      files: written,
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
      next: nextAfter(format, file === undefined ? out : file, run),
    }
  } finally {
    disposeNetwork(network)
  }
}

/** Formats that are one file, or one and its data. */
const endings: { readonly [format in ExportFormat]?: string } = { onnx: '.onnx', safetensors: '.safetensors' }

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

async function openSource({ model, path, budget, config }: ExportOptions, context: Context): Promise<Exported> {
  const { report } = context
  const own = await registryOf(model, config)
  const writers = own?.writers
  if (path === undefined && budget === undefined) {
    const { network, details, address } = await loadModelAt(model, { report, config })
    const run = (await exists(join(model, REPORT))) ? await readRun(model) : undefined
    return {
      network,
      details,
      stem: basename(address, extname(address) === '.safetensors' ? '.safetensors' : ''),
      run,
      writers,
      choice: undefined,
    }
  }
  report({ kind: 'stage', name: `load the pool of ${model}` })
  const { report: run, wanted, choice } = await findInRun({ run: model, path, budget }, context)
  if (!('segments' in wanted))
    throw new UsageError(`a cascade is two models and a rule between them: export its parts, each by --path; got ${path}`)
  const pool = await loadPool(await poolOfRun(model, run), { parts: own, spaces: own?.spaces })
  try {
    const found = findPath(pool.space, wanted, model)
    const loaded = await loadModel(await extractDescendant(pool, found), { parts: own, name: formatPath(found.path) })
    return { ...loaded, stem: basename(modelFileName(found.path, 'f32'), '.safetensors'), run, writers, choice }
  } finally {
    disposePool(pool)
  }
}

/** Beside what a run has made; else in the current folder. */
function defaultOut({ model, format, weights = 'float32' }: ExportOptions, stem: string, run: RunReport | undefined): string {
  const plain = stem.replaceAll(/[^\w.+-]+/g, '-').replace(/^[-.]+/, '') || 'model'
  const name = `${plain}-${format}${weights === 'float32' ? '' : `-${weights}`}`
  return run ? join(model, name) : name
}

/** What is written: into the folder `out`, or where it names a file under the names that it leads to. */
async function filesOf(
  { network, details, writers }: Exported,
  options: ExportOptions,
  out: string,
): Promise<{ file?: string; files: ModelFiles }> {
  const { format, weights = 'float32', opset } = options
  const ending = endings[format]
  const single = ending !== undefined && extname(out) === ending
  const onnx = { ...(opset !== undefined && { opset }), ...(writers && { writers }) }
  const files = await formats[format](network, { details, weights, onnx, name: single ? basename(out) : `model${ending ?? ''}` })
  return single ? { file: out, files } : { files }
}

interface FormatOptions {
  readonly details: ModelDetails
  readonly weights: NonNullable<ExportOptions['weights']>
  readonly onnx: Pick<OnnxOptions, 'opset' | 'writers'>
  /** Of the file, where the format is one. */
  readonly name: string
}

const dtypes = { float32: 'F32', float16: 'F16', int8: 'I8' } as const

const formats: { readonly [format in ExportFormat]: (network: Network, options: FormatOptions) => Promise<ModelFiles> } = {
  async onnx(network, { details, weights, onnx, name }) {
    const { model, data } = await toOnnx(network, { ...onnx, weights, details, dataFile: `${name}_data` })
    return new Map([[name, model], ...(data ? [[data.name, data.bytes] as const] : [])])
  },
  'transformers.js': (network, { details, onnx }) => toTransformersJs(network, { ...onnx, details }),
  timm: (network, { details, weights }) => toTimm(network, { details, dtype: floats(weights) }),
  huggingface: (network, { details, weights }) => toHuggingFace(network, { details, dtype: floats(weights) }),
  async safetensors(network, { details, weights, name }) {
    return new Map([[name, await saveModel(network, { details: { ...details, exportedAs: weights }, dtype: dtypes[weights] })]])
  },
}

const floats = (weights: FormatOptions['weights']) => (weights === 'float16' ? 'F16' : 'F32')

/** What comes next: ours reads the formats of tensors; the others need their library. */
function nextAfter(format: ExportFormat, out: string, run: RunReport | undefined): string {
  if (format === 'onnx') return 'npm install onnxruntime-web'
  if (format === 'transformers.js') return 'npm install @huggingface/transformers'
  const model = format === 'safetensors' && extname(out) !== '.safetensors' ? join(out, 'model.safetensors') : out
  const { training } = (run?.config.images ?? {}) as { readonly training?: string }
  return training === 'embedded' ? commandText('evaluate', model) : commandText('classify', model, 'PICTURE.jpg')
}
