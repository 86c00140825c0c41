import type { BackendName } from '@learngene/backends'
import { type Command, Option } from 'commander'
import { embeddedReference } from '../embedded-reference.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, ownPartsOption, quietOption, seedOption } from '../options.js'
import { commandText, nextText } from '../report/next.js'
import { textTable } from '../report/text.js'

export interface VerifyOptions {
  readonly reference?: string
  readonly model?: string
  readonly heads?: number
  readonly imageSize?: number
  readonly config?: string
  readonly backend: BackendName | 'auto'
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addVerify(program: Command, io: Io): void {
  program
    .command('verify')
    .description(
      "Check a backend against PyTorch's numbers: a ViT's outputs, gradients and three AdamW steps. Fails where an error is above its tolerance. " +
        'With --model: print what is understood of a model and run one image.',
    )
    .option(
      '--reference <file>',
      'a safetensors file in the format that the README of @learngene/vit-blocks describes (default: one from timm)',
    )
    .addOption(
      new Option(
        '--model <address>',
        'a model instead: a file, a folder, a URL, hf:owner/name[@revision], a finished run, or embedded',
      ).conflicts('reference'),
    )
    .option('--heads <integer>', "of the model's attention, where its files do not tell", integer(1))
    .option('--image-size <integer>', 'pixels per side for the model; its positions are resampled', integer(1))
    .addOption(ownPartsOption())
    .addOption(backendOption())
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('learngene verify --backend wasm') + example('learngene verify --model hf:timm/deit_tiny_patch16_224.fb_in1k'),
    )
    .action(async ({ reference = embeddedReference, model, heads, imageSize, config, backend: asked, json, quiet }: VerifyOptions) => {
      if (model !== undefined) {
        const { verifyModel } = await import('./verify-model.js')
        const { lines, next, ...report } = await verifyModel(model, asked, {
          ...(heads !== undefined && { heads }),
          ...(imageSize !== undefined && { imageSize }),
          ...(config !== undefined && { config }),
        })
        if (json) printJson(io, report)
        else io.stdout.write(`${lines.map(([what, text]) => `${what.padEnd(14)}${text}`).join('\n')}\n${nextText(next, quiet)}`)
        return
      }
      const { verifyReference } = await import('./verify-reference.js')
      const { backend, errors, tolerances, pass, worst } = await verifyReference(reference, asked)
      const parts = Object.keys(errors) as (keyof typeof errors)[]
      if (json) printJson(io, { backend, errors, tolerances, pass })
      else {
        const rows = parts.map((part) => [part, figure(errors[part], 2), figure(tolerances[part], 1), worst[part]])
        io.stdout.write(`${textTable(['part', 'error', 'tolerance', 'largest at'], rows, ['left', 'right', 'right', 'left'])}\n`)
        io.stdout.write(`${units}\n`)
        if (pass) {
          const next = nextText([commandText('bench', '--backends', backend)], quiet)
          io.stdout.write(`The ${backend} backend computes what the reference says.\n${next}`)
        }
      }
      if (pass) return
      const failures = parts
        .filter((part) => !(errors[part] <= tolerances[part]))
        .map((part) => `the error of its ${part} may be ${tolerances[part]} and is ${figure(errors[part], 2)} at ${worst[part]}`)
      throw new Error(`the ${backend} backend does not compute what ${reference} says: ${failures.join('; ')}`)
    })
}

const units =
  "Errors of outputs and gradients are relative to a tensor's norm; that of AdamW's steps is a multiple of what the gradients' tolerance explains."

/** `1.0e-6`, `0.15`, `1e-5`, `1` */
function figure(value: number, digits: number): string {
  return value >= 0.01 && value < 1000 ? value.toPrecision(digits) : value.toExponential(digits - 1)
}
