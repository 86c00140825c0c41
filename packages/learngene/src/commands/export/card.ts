import { basename } from 'node:path'
import { type ModelFiles, modelCard, type PartWriters } from '@learngene/export'
import type { Json, JsonObject } from '@learngene/interfaces'
import type { RunReport } from '@learngene/recipe/reports'
import { type ModelDetails, type Network, sidesOf } from '@learngene/vit-blocks'
import { commandText } from '../../report/next.js'
import type { findInRun, measuredOf } from '../extract-from-run.js'
import type { ExportFormat, ExportOptions } from './formats.js'

/** A network that is to be exported. */
export interface Exported {
  readonly network: Network
  readonly details: ModelDetails
  /** What it is called in names of files. */
  readonly stem: string
  /** Of the run that it is of, where it is of one. */
  readonly run: RunReport | undefined
  readonly writers: PartWriters | undefined
  readonly choice: Awaited<ReturnType<typeof findInRun>>['choice']
}

/** By which a card is recognised as one that this command wrote. */
export const CARD_MARK = '<!-- Written by learngene export. -->'

interface CardOptions extends Required<Pick<ExportOptions, 'model' | 'weights'>> {
  readonly format: ExportFormat
  readonly files: ModelFiles
  readonly measured: ReturnType<typeof measuredOf>
}

/** The README.md of an exported model: all that its run, or its file, says. */
export function cardOf(exported: Exported, { format, weights, files, measured, model }: CardOptions): Uint8Array {
  const { network, details, run, choice } = exported
  const { cutFrom } = details as { readonly cutFrom?: Json }
  const made = [
    ...(run
      ? [
          `Made by \`learngene ${run.command}\` ${run.version} with the seed ${run.seed}, from an ancestor of width ${run.ancestor.width} and depth ${run.ancestor.depth} (${(100 * run.ancestor.testAccuracy).toFixed(1)} % right on the same test images), on ${run.images.training} training images.`,
        ]
      : []),
    ...(choice && run ? [`Chosen by accuracy on ${run.images.validation} validation images: ${choice.why}.`] : []),
    ...(cutFrom !== undefined ? [`Cut out of a larger model by \`learngene cut\`: ${JSON.stringify(cutFrom)}.`] : []),
    `Exported with \`${commandText('export', model, '--format', format, ...(format === 'transformers.js' ? [] : ['--weights', weights]))}\`.`,
  ]
  const before = 'with float32 weights, before the export'
  const card = modelCard(network, {
    name: typeof details.path === 'string' ? details.path : basename(model),
    details,
    files: [...files].map(([name, bytes]) => ({ name, bytes: bytes.length })),
    made,
    ...(measured && {
      accuracy: [
        { value: measured.testAccuracy, split: 'test', images: measured.testImages, note: before },
        {
          value: measured.validationAccuracy,
          split: 'validation',
          images: measured.validationImages,
          note: `${before}; descendants are chosen by these`,
        },
      ],
    }),
    ...(run && { recipe: run.config as JsonObject }),
    use: programFor(format, exported),
  })
  return new TextEncoder().encode(`${card}\n${CARD_MARK}\n`)
}

function programFor(format: ExportFormat, { network, details }: Exported): { readonly language: string; readonly text: string } {
  const { geometry } = network.embedding
  const [height, width] = sidesOf(geometry.imageSize)
  const { mean, std } =
    ((details.preprocessing ?? details.normalisation) as { readonly mean?: Json; readonly std?: Json } | undefined) ?? {}
  const normalised = mean === undefined ? 'normalised as in training' : `(pixel / 255 - ${JSON.stringify(mean)}) / ${JSON.stringify(std)}`
  const output = network.head.classes > 0 ? 'logits' : 'pooled'
  const programs: { readonly [format in ExportFormat]: readonly [language: string, ...lines: string[]] } = {
    onnx: [
      'js',
      "import * as ort from 'onnxruntime-web'",
      '',
      "const session = await ort.InferenceSession.create('model.onnx')",
      `// Float32Array of ${geometry.channels} x ${height} x ${width} for each image, channel by channel: ${normalised}`,
      `const input = new ort.Tensor('float32', pixels, [1, ${geometry.channels}, ${height}, ${width}])`,
      `const { ${output} } = await session.run({ pixel_values: input })`,
    ],
    'transformers.js': [
      'js',
      "import { pipeline } from '@huggingface/transformers'",
      '',
      "// { dtype: 'q8' } takes the int8 weights, a quarter of the bytes.",
      "const classify = await pipeline('image-classification', 'FOLDER', { dtype: 'fp32' })",
      "console.log(await classify('picture.png'))",
    ],
    timm: ['python', 'import timm', '', "model = timm.create_model('local-dir:FOLDER', pretrained=True).eval()"],
    huggingface: [
      'python',
      'from transformers import AutoModelForImageClassification',
      '',
      "model = AutoModelForImageClassification.from_pretrained('FOLDER')",
    ],
    safetensors: [
      'js',
      "import { classify, decodeImage, loadModelFile, useBackend } from 'learngene/node'",
      '',
      "await useBackend('auto')",
      "const model = await loadModelFile('model.safetensors')",
      "console.log(await classify(model, [decodeImage('picture.png')]))",
    ],
  }
  const [language, ...lines] = programs[format]
  return { language, text: lines.join('\n') }
}
