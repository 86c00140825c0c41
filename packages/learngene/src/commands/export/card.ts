import { basename } from 'node:path'
import { type MeasuredLatency, type ModelFiles, modelCard } from '@learngene/export'
import type { Json, JsonObject } from '@learngene/interfaces'
import { sidesOf } from '@learngene/vit-blocks'
import { isCascade } from '../../predict/classifier.js'
import { commandText } from '../../report/next.js'
import type { measuredOf } from '../extract-from-run.js'
import { cascadeProgram } from './cascade-program.js'
import type { ExportFormat, ExportOptions } from './formats.js'
import { type Exported, passedOnOf } from './open-source.js'

/** By which a card is recognised as one that this command wrote. */
export const CARD_MARK = '<!-- Written by learngene export. -->'

interface CardOptions extends Required<Pick<ExportOptions, 'weights'>> {
  /** What the command called the model. */
  readonly address: string
  readonly format: ExportFormat
  readonly files: ModelFiles
  readonly measured: ReturnType<typeof measuredOf>
  readonly latency: readonly MeasuredLatency[]
}

/** The README.md of an exported model: all that its run, or its file, says. */
export function cardOf(exported: Exported, { format, weights, files, measured, latency, address }: CardOptions): Uint8Array {
  const { model, details, run, choice } = exported
  const passedOn = passedOnOf(exported)
  const { cutFrom } = details as { readonly cutFrom?: Json }
  const made = [
    ...(run
      ? [
          `Made by \`learngene ${run.command}\` ${run.version} with the seed ${run.seed}, from an ancestor of width ${run.ancestor.width} and depth ${run.ancestor.depth} (${(100 * run.ancestor.testAccuracy).toFixed(1)} % right on the same test images), on ${run.images.training} training images.`,
        ]
      : []),
    ...(choice && run ? [`Chosen by accuracy on ${run.images.validation} validation images: ${choice.why}.`] : []),
    ...(cutFrom !== undefined ? [`Cut out of a larger model by \`learngene cut\`: ${JSON.stringify(cutFrom)}.`] : []),
    `Exported with \`${commandText('export', address, '--format', format, ...(format === 'transformers.js' ? [] : ['--weights', weights]))}\`.`,
  ]
  const before = 'with float32 weights, before the export'
  const card = modelCard(model, {
    name: typeof details.path === 'string' ? details.path : basename(address),
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
    ...(latency.length > 0 && { latency }),
    ...(passedOn !== undefined && { passedOn: { share: passedOn, split: 'validation', ...(run && { images: run.images.validation }) } }),
    ...(run && { recipe: run.config as JsonObject }),
    use: programFor(format, exported),
  })
  return new TextEncoder().encode(`${card}\n${CARD_MARK}\n`)
}

function programFor(format: ExportFormat, { model, details }: Exported): { readonly language: string; readonly text: string } {
  if (isCascade(model)) return cascadeProgram(format, model)
  const network = model
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
      "// { dtype: 'q8' } takes the int8 weights, a quarter of the bytes. Without './' a name is one of the hub.",
      "const classify = await pipeline('image-classification', './FOLDER', { dtype: 'fp32' })",
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
