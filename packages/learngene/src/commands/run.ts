import { join, resolve } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Budget } from '@learngene/interfaces'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { configOption, printConfig, printConfigOption } from '../config/options.js'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, familyBudget, integer, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'
import { renderTable } from '../report/terminal.js'
import { absoluteAncestor, absoluteClasses, absoluteImages, isPath } from '../run/absolute-names.js'
import type { RunConfig } from '../run/config.js'
import { exists, RUN, readStoredRun } from '../run/run-folder.js'
import { TUNE_WHEN, type TuneWhen } from '../run/tune-run.js'
import type { ListedUnits } from '../units/list-units.js'

interface RunCommandOptions {
  readonly out?: string
  readonly images?: string
  readonly validation?: string
  readonly test?: string
  readonly classes?: string
  readonly order?: 'natural' | 'codeUnits'
  readonly skipUnreadable?: boolean
  readonly ancestor?: string
  readonly tiers?: readonly { readonly width: number; readonly depth?: number }[]
  readonly budget?: Budget
  readonly precision?: 'float32' | 'mixed'
  readonly config?: string
  readonly printConfig?: boolean
  readonly checkpointEvery?: number
  readonly workers?: number
  readonly backend: BackendName | 'auto'
  readonly tune: TuneWhen
  readonly units?: string
  readonly shares?: number
  readonly wait?: boolean
  readonly force?: boolean
  readonly seed: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addRun(program: Command, io: Io): void {
  program
    .command('run')
    .description(
      'From an ancestor and your images to a family of models and the best one under a budget. Interrupted at any moment, the same command goes on; --out alone is enough then.',
    )
    .option('--images <dir>', 'folder with a subfolder of pictures for each class')
    .option('--validation <dir>', 'such a folder, by which models are chosen (default: a tenth of the images)')
    .option('--test <dir>', 'such a folder, on which they are reported (default: a tenth of the images)')
    .option('--classes <file>', 'the classes in order, one a line (default: the names of the subfolders)')
    .addOption(new Option('--order <order>', "of the subfolders: as timm's or as torchvision's").choices(['natural', 'codeUnits']))
    .option('--skip-unreadable', 'go on without pictures that cannot be read, and count them')
    .option('--ancestor <model>', "a model file or folder, 'hf:owner/name', a run's folder, 'embedded' or 'train'")
    .addOption(
      new Option(
        '--tiers <list>',
        'widths of the models that are cut out of the ancestor, such as 48,96 or 48x6,96 with their blocks',
      ).argParser(tiers),
    )
    .option('--budget <caps>', 'hard caps on macs, params (or parameters), memory and bytes that the chosen model keeps', familyBudget)
    .addOption(
      new Option('--precision <precision>', 'of distillation and fine-tuning: mixed needs a GPU with matrix units for float16').choices([
        'float32',
        'mixed',
      ]),
    )
    .addOption(configOption())
    .addOption(printConfigOption())
    .option('--out <dir>', 'where the run is, and what comes out of it')
    .option('--checkpoint-every <steps>', 'steps between two checkpoints (default: 100, and a minute at most)', integer(1))
    .option(
      '--workers <number>',
      'worker threads (default: 2 on wasm and cpu, 1 on backends that use the machine by themselves)',
      integer(1, 64),
    )
    .addOption(backendOption())
    .addOption(
      new Option(
        '--tune <when>',
        'on webgpu, time the ways to compute products first; auto: before a new run of some thousand steps, on a GPU',
      )
        .choices(TUNE_WHEN)
        .default('auto'),
    )
    .option(
      '--units <file>',
      'compute nothing, and write what of the run can run apart to a file, one unit a line; learngene unit runs one',
    )
    .option('--shares <number>', 'with --units: parts that each evaluation is cut into (default: 1)', integer(1, 10_000))
    .option('--wait', 'where another run is at work in the folder, wait for it')
    .option('--force', 'start anew, and remove whatever is in the output directory')
    .addOption(seedOption('of every random choice'))
    .addOption(quietOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'learngene run --images photos --ancestor hf:facebook/deit-tiny-patch16-224 --out runs/photos',
        'writes runs/photos/report.html',
      ),
    )
    .addHelpText('after', '  $ learngene run --images photos --ancestor train --out runs/photos')
    .action(async (given: RunCommandOptions, command: Command) => {
      const { out, printConfig: printOnly, json, quiet, checkpointEvery, workers, backend, wait, tune, force = false } = given
      if (out === undefined && !printOnly) throw new UsageError('run needs --out <dir>; learngene run --help tells more')
      if (given.shares !== undefined && given.units === undefined)
        throw new UsageError('--shares belongs to --units; learngene run --help tells more')
      const { config, configFile, seed } = await configOf(given, command.getOptionValueSource('seed') === 'cli')
      if (printOnly) return printConfig(io, config)
      const { runProgram } = await import('../run/program.js')
      const program = {
        command: 'run' as const,
        outDir: out!,
        config,
        configFile,
        seed,
        workers,
        backend,
        force,
        wait,
        checkpointEvery,
        tune,
      }
      if (given.units !== undefined) {
        const { listUnits } = await import('../units/list-units.js')
        const { units: file, shares = 1 } = given
        const listed = await withProgress(io, (report) => listUnits({ ...program, report, signal: io.signal }, { file, shares }), quiet)
        if (json) return printJson(io, listed)
        io.stdout.write(listedText(listed, out!, quiet))
        return
      }
      const report = await withProgress(io, (report) => runProgram({ ...program, report, signal: io.signal }), quiet)
      if (json) return printJson(io, report)
      io.stdout.write(`${renderTable(report, out!, quiet)}\n`)
    })
}

function listedText({ file, units, waves }: ListedUnits, out: string, quiet = false): string {
  const inWaves = waves.map(({ first, count }) => `${first}-${first + count - 1}`).join(', ')
  const said = units === 0 ? `nothing is left to run apart; ${file} is empty` : `${units} units in ${file}, wave by wave: ${inWaves}`
  const commands = [...(units > 0 ? [commandText('unit', 'run', file, '--index', '0')] : []), commandText('run', '--out', out)]
  return `${said}\n${nextText(commands, quiet)}`
}

/** `48,96` or `48x6,96`. */
function tiers(text: string): { width: number; depth?: number }[] {
  return text.split(',').map((part) => {
    const [, width, depth] = /^\s*(\d+)(?:x(\d+))?\s*$/.exec(part) ?? []
    if (width === undefined)
      throw new InvalidArgumentError('It must be a list of widths, such as 48,96, each perhaps with its blocks: 48x6,96.')
    return { width: Number(width), ...(depth !== undefined && { depth: Number(depth) }) }
  })
}

/** What a run is about, when none of it is given and the folder holds a run: that run's. Otherwise flags over the file over what suits images and ancestor. */
async function configOf(given: RunCommandOptions, seedGiven: boolean): Promise<{ config: RunConfig; configFile?: string; seed: number }> {
  const { out, images, validation, test, classes, order, skipUnreadable, ancestor, budget, precision, seed, config: file } = given
  const isBare = [images, validation, test, classes, order, skipUnreadable, ancestor, given.tiers, budget, given.precision, file].every(
    (each) => each === undefined,
  )
  if (isBare && out !== undefined && (await exists(join(out, RUN)))) {
    const { config, configFile, seed: stored } = await readStoredRun(out)
    return { config, seed: seedGiven ? seed : stored, ...(configFile !== undefined && { configFile }) }
  }
  const { loadConfig } = await import('../config/load-config.js')
  const { checkConfig, checkOptions } = await import('../config/check-config.js')
  const { resolveConfig } = await import('../config/resolve-config.js')
  const { namedInputs, runConfig } = await import('../run/config.js')
  const { readImages } = await import('../run/build-recipe.js')
  const { sensibleConfig } = await import('../run/sensible.js')
  const loaded = await loadConfig(file, process.cwd())
  if (loaded) {
    checkOptions(runConfig, loaded.value, loaded.file)
    const { ancestor, images, data } = loaded.value
    checkConfig(namedInputs, withoutMissing({ ancestor, images, data }), loaded.file)
  }
  const own = (loaded?.value ?? {}) as Partial<RunConfig>
  const model = ancestor ?? own.ancestor
  if (model === undefined) throw new UsageError(`run needs --ancestor: ${ANCESTORS}`)
  if (isPath(model) && !(await exists(model))) throw new UsageError(`no file or folder is named '${model}'; an ancestor is ${ANCESTORS}`)
  const training = images ?? own.images?.training
  if (training === undefined && !own.data)
    throw new UsageError('run needs --images <dir>, a folder with a subfolder of pictures for each class')
  const flags = {
    ancestor: absoluteAncestor(model),
    images: {
      training: training === undefined ? 'own' : absoluteImages(training),
      validation: absoluteImages(validation ?? own.images?.validation),
      test: absoluteImages(test ?? own.images?.test),
      classes: absoluteClasses(classes ?? own.images?.classes),
      order,
      skipUnreadable,
    },
    budget,
  }
  const datasets = await readImages({ data: own.data, images: { ...own.images, ...withoutMissing(flags.images) } })
  const sensible = await sensibleConfig(flags.ancestor, datasets)
  const suited = given.tiers?.map((tier, i) => ({ ...(sensible.tiers[i] ?? sensible.tiers.at(-1)!), ...tier }))
  const { value, file: used } = await resolveConfig({
    schema: runConfig,
    defaults: sensible,
    cwd: process.cwd(),
    ...(file !== undefined && { file }),
    flags: { ...flags, tiers: suited, ...(precision && { distillation: { precision }, fineTuning: { precision } }) },
    name: 'run',
  })
  return { config: value, seed, ...(used !== undefined && { configFile: resolve(used) }) }
}

const ANCESTORS =
  "a model file or folder, 'hf:facebook/deit-tiny-patch16-224' or any ViT of the hub, the folder of a run, 'embedded' (28 x 28 grey, Fashion-MNIST), or 'train' to train one on your images"

const withoutMissing = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
