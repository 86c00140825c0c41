import type { Cascade } from '@learngene/stitch'
import { sidesOf } from '@learngene/vit-blocks'
import type { ExportFormat } from './formats.js'

/** Runs both parts by what `cascade.json` says; in Python only loads them. */
export function cascadeProgram(format: ExportFormat, { small }: Cascade): { readonly language: string; readonly text: string } {
  const { geometry } = small.embedding
  const [height, width] = sidesOf(geometry.imageSize)
  const read = [
    "import { readFile } from 'node:fs/promises'",
    '',
    "const { threshold, confidence } = JSON.parse(await readFile('cascade.json', 'utf8'))",
    '// How sure the small one is, from the probabilities of all classes.',
    "const sure = new Function('p', 'return ' + confidence.of)",
  ]
  const programs: { readonly [format in ExportFormat]: readonly [language: string, ...lines: string[]] } = {
    onnx: [
      'js',
      "import * as ort from 'onnxruntime-web'",
      ...read,
      "const [small, large] = await Promise.all(['small', 'large'].map(async (part) => ort.InferenceSession.create(await readFile(part + '/model.onnx'))))",
      '',
      '// pixels: as for each part alone',
      `const input = new ort.Tensor('float32', pixels, [1, ${geometry.channels}, ${height}, ${width}])`,
      'const { logits } = await small.run({ pixel_values: input })',
      'const highest = Math.max(...logits.data)',
      'const powers = Array.from(logits.data, (value) => Math.exp(value - highest))',
      'const p = powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0))',
      'const answer = sure(p) >= threshold ? logits : (await large.run({ pixel_values: input })).logits',
    ],
    'transformers.js': [
      'js',
      "import { pipeline } from '@huggingface/transformers'",
      ...read,
      "// Without './' a name is one of the hub.",
      "const [small, large] = await Promise.all(['./small', './large'].map((part) => pipeline('image-classification', part, { dtype: 'fp32' })))",
      '',
      "const first = await small('picture.png', { top_k: null })",
      "const answer = sure(first.map(({ score }) => score)) >= threshold ? first : await large('picture.png', { top_k: null })",
    ],
    timm: [
      'python',
      'import timm',
      '',
      "small, large = (timm.create_model(f'local-dir:{part}', pretrained=True).eval() for part in ('small', 'large'))",
      '# cascade.json says when large is asked.',
    ],
    huggingface: [
      'python',
      'from transformers import AutoModelForImageClassification',
      '',
      "small, large = (AutoModelForImageClassification.from_pretrained(part) for part in ('small', 'large'))",
      '# cascade.json says when large is asked.',
    ],
    safetensors: [
      'js',
      "import { readFile } from 'node:fs/promises'",
      "import { cascade, classify, decodeImage, loadModelFile, useBackend } from 'learngene/node'",
      '',
      "await useBackend('auto')",
      "const [small, large] = await Promise.all(['small', 'large'].map((part) => loadModelFile(part + '/model.safetensors')))",
      "const { threshold, confidence } = JSON.parse(await readFile('cascade.json', 'utf8'))",
      'const both = cascade(small.network, large.network, threshold, confidence.name)',
      "console.log(await classify({ cascade: both, details: small.details }, [decodeImage('picture.png')]))",
    ],
  }
  const [language, ...lines] = programs[format]
  return { language, text: lines.join('\n') }
}
