import type { BackendName } from '@learngene/backends'
import { parseBudget } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import type { ConfidenceName } from '@learngene/stitch'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from './errors.js'
import { type LatencySetting, type MeasuredBudget, parseLatencySetting, parseMeasuredBudget, parseObjective } from './latency/budget.js'

/** The measures that every model carries. */
const MEASURES = ['macs', 'parameters', 'memory']

/** Reads an integer option. */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
      throw new InvalidArgumentError(`It must be an integer ${range}.`)
    }
    return value
  }
}

/** Reads a duration such as 2.5. */
export function seconds(text: string): number {
  const value = Number(text)
  if (!/^\d*\.?\d+$/.test(text) || !(value > 0)) throw new InvalidArgumentError('It must be a number of seconds above 0.')
  return value
}

/** Reads `192,384,768`. */
export function integers(text: string): number[] {
  return text.split(',').map((part) => {
    if (!/^\d+$/.test(part.trim()) || Number(part) < 1) {
      throw new InvalidArgumentError('It must be a list of integers of at least 1, such as 192,384,768.')
    }
    return Number(part)
  })
}

/** Reads `macs=5e9,params=3M`. */
export function budget(text: string): Budget {
  return capsOf(text, MEASURES)
}

/** The same of descendants, whose files have `bytes`; their latency is measured once there are any. */
export function familyBudget(text: string): Budget {
  const later = 'latency is measured on what the run has made, with: learngene search RUN --budget latency=20ms@wasm'
  return capsOf(text, [...MEASURES, 'bytes'], `; ${later}`)
}

function capsOf(text: string, measures: readonly string[], ofLatency = ''): Budget {
  const caps = argument(() => parseBudget(text))
  const unknown = Object.keys(caps).find((measure) => !measures.includes(measure))
  if (unknown === undefined) return caps
  throw new InvalidArgumentError(`Models are measured in ${measures.join(', ')}; got ${unknown}${unknown === 'latency' ? ofLatency : ''}.`)
}

/** Reads `macs=5M,latency=20ms@webgpu,batch=1`. */
export function measuredBudget(text: string): MeasuredBudget {
  return argument(() => parseMeasuredBudget(text))
}

/** Reads `accuracy`, `macs`, `latency@wasm,batch=1`. */
export function objective(text: string): ReturnType<typeof parseObjective> {
  return argument(() => parseObjective(text))
}

/** Reads `wasm`, `webgpu,batch=8`. */
export function latencySetting(text: string): LatencySetting {
  return argument(() => parseLatencySetting(text))
}

/** Reads a share above 0, such as 0.85 or 85%. */
export function share(text: string): number {
  const [, number, percent] = /^(\d*\.?\d+)\s*(%?)$/.exec(text.trim()) ?? []
  const value = Number(number) / (percent ? 100 : 1)
  if (number === undefined || !(value > 0 && value <= 1))
    throw new InvalidArgumentError('It must be a share above 0 and at most 1, such as 0.85 or 85%.')
  return value
}

/** What a parser of the libraries throws, as commander takes it. */
function argument<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

/** The confidences that runs keep, named here so that help need not load TensorFlow.js. */
const CONFIDENCES = ['probability', 'margin', 'entropy'] as const satisfies ConfidenceName[]

export const confidenceOption = () =>
  new Option(
    '--confidence <name>',
    "how sure a cascade's small descendant is: its largest probability, the margin to the second, or the entropy left",
  ).choices(CONFIDENCES)

export const quietOption = () => new Option('--quiet', 'print no progress, and nothing about what to do next')

export const jsonOption = () => new Option('--json', 'print one JSON document on stdout and everything else on stderr')

/** @param effect what the seed decides; nothing where the command makes no random choice, and takes the option all the same */
export const seedOption = (effect = 'of random choices; this command makes none') =>
  new Option('--seed <integer>', `seed ${effect}`).argParser(integer(0)).default(0)

/** What help says of a MODEL. */
export const MODEL_HELP =
  "a safetensors file, a folder, 'hf:owner/name', the folder of a finished run, or 'embedded': the ancestor that comes with this package"

export const ownPartsOption = () =>
  new Option('--config <file>', "the learngene.config whose registry has the model's own kinds of parts; the folder of a run needs none")

/** Those of the backends package, named here so that help need not load TensorFlow.js. */
export const BACKENDS = ['auto', 'tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm', 'cpu'] as const satisfies (BackendName | 'auto')[]

export const backendOption = (fallback: BackendName | 'auto' = 'auto') =>
  new Option('--backend <name>', 'what TensorFlow.js computes on; auto takes the fastest that this machine has')
    .choices(BACKENDS)
    .default(fallback)

/** Whose times a cap on latency is kept by. */
export const profileOptions = () => [
  new Option('--profile <file>', "compose latency from a device's profile that learngene profile wrote there; nothing is measured here"),
  new Option('--anew', 'time the parts of the family again, also where the times of an earlier search are kept').conflicts('profile'),
]

/** @throws UsageError where options are given that only a latency has use for */
export function requireMeasured(
  command: string,
  { profile, anew }: { readonly profile?: string; readonly anew?: boolean },
  { caps }: MeasuredBudget,
  objective = 'accuracy',
): void {
  if (caps.latency !== undefined || objective === 'latency' || (profile === undefined && !anew)) return
  throw new UsageError(
    `${profile === undefined ? '--anew' : '--profile'} belongs to a latency, such as --budget latency=20ms@wasm; learngene ${command} --help tells more`,
  )
}

/** Lets a command take a run as its argument, or as `--run`; {@link runOf} tells which. */
export function addRunArgument(command: Command): Command {
  return command
    .argument('[run]', "a directory that 'learngene run' or 'learngene quickstart' made")
    .addOption(new Option('--run <dir>', 'the run, in place of the argument'))
}

/** The run that is named once. @throws UsageError where none is, or two are */
export function runOf(command: Command, argument: string | undefined): string {
  const option = command.opts<{ readonly run?: string }>().run
  const name = command.name()
  if (argument !== undefined && option !== undefined)
    throw new UsageError(`${name} takes one run; got ${argument} and --run ${option}; learngene ${name} --help tells more`)
  const run = argument ?? option
  if (!run) throw new UsageError(`${name} needs a run, such as learngene ${name} runs/quickstart; learngene ${name} --help tells more`)
  return run
}

/** The end of a command's help. */
export function example(command: string, remark = ''): string {
  return `\nExample:\n  $ ${command}${remark && `\n  ${remark}`}`
}
