import { join, relative, resolve } from 'node:path'
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
      const { checkRun } = await import('../run/build-recipe.js')
      const { loadOwn } = await import('../run/own-values.js')
      checkRun(await loadOwn(config, configFile), configFile === undefined ? 'run' : (given.config ?? relative(process.cwd(), configFile)))
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

/**
 * What a run is about: flags over the file over what suits images and ancestor. Without a file, a folder that holds a run of the ancestor has its configuration in the place of the latter two;
 * with --force only where nothing else is given.
 */
async function configOf(given: RunCommandOptions, seedGiven: boolean): Promise<{ config: RunConfig; configFile?: string; seed: number }> {
  const { out, images, validation, test, classes, order, skipUnreadable, ancestor, budget, precision, config: file, force } = given
  const isBare = [images, validation, test, classes, order, skipUnreadable, ancestor, given.tiers, budget, precision, file].every(
    (each) => each === undefined,
  )
  const isThere = out !== undefined && file === undefined && (isBare || !force) && (await exists(join(out, RUN)))
  // A command that names its ancestor can do without a folder's configuration that cannot be read.
  const stored = isThere
    ? await readStoredRun(out).catch((error) => (ancestor === undefined ? Promise.reject(error) : undefined))
    : undefined
  const seed = stored && !seedGiven ? stored.seed : given.seed
  const ofStored = stored?.configFile === undefined ? {} : { configFile: stored.configFile }
  if (isBare && stored) return { config: stored.config, seed, ...ofStored }
  const { loadConfig } = await import('../config/load-config.js')
  const { checkConfig, checkOptions } = await import('../config/check-config.js')
  const { resolveConfig } = await import('../config/resolve-config.js')
  const { namedInputs, runConfig } = await import('../run/config.js')
  const loaded = await loadConfig(file, process.cwd())
  const flags = {
    ancestor: ancestor === undefined ? undefined : absoluteAncestor(ancestor),
    images: {
      training: absoluteImages(images),
      validation: absoluteImages(validation),
      test: absoluteImages(test),
      classes: absoluteClasses(classes),
      order,
      skipUnreadable,
    },
    budget,
    ...(precision && { distillation: { precision }, fineTuning: { precision } }),
  }
  if (stored && !loaded && (flags.ancestor ?? stored.config.ancestor) === stored.config.ancestor) {
    const { config: defaults } = stored
    const tiers = trainedAs(given.tiers, defaults.tiers)
    const { value } = await resolveConfig({ schema: runConfig, defaults, flags: { ...flags, tiers }, name: 'run' })
    return { config: value, seed, ...ofStored }
  }
  if (loaded) {
    checkOptions(runConfig, loaded.value, loaded.file)
    const { ancestor, images, data } = loaded.value
    checkConfig(namedInputs, withoutMissing({ ancestor, images, data }), loaded.file)
  }
  const own = (loaded?.value ?? {}) as Partial<RunConfig>
  const model = ancestor ?? own.ancestor
  if (model === undefined) throw new UsageError(`run needs --ancestor: ${ANCESTORS}`)
  if (isPath(model) && !(await exists(model))) throw new UsageError(`no file or folder is named '${model}'; an ancestor is ${ANCESTORS}`)
  const training = flags.images.training ?? absoluteImages(own.images?.training)
  if (training === undefined && !own.data)
    throw new UsageError('run needs --images <dir>, a folder with a subfolder of pictures for each class')
  const named = {
    ancestor: absoluteAncestor(model),
    images: {
      ...flags.images,
      training: training ?? 'own',
      validation: flags.images.validation ?? absoluteImages(own.images?.validation),
      test: flags.images.test ?? absoluteImages(own.images?.test),
      classes: flags.images.classes ?? absoluteClasses(own.images?.classes),
    },
  }
  const { readImages } = await import('../run/build-recipe.js')
  const { sensibleConfig } = await import('../run/sensible.js')
  const datasets = await readImages({ data: own.data, images: { ...own.images, ...withoutMissing(named.images) } })
  const sensible = await sensibleConfig(named.ancestor, datasets)
  const { value, file: used } = await resolveConfig({
    schema: runConfig,
    defaults: sensible,
    cwd: process.cwd(),
    ...(file !== undefined && { file }),
    flags: { ...flags, ...named, tiers: trainedAs(given.tiers, sensible.tiers) },
    name: 'run',
  })
  return { config: value, seed: given.seed, ...(used !== undefined && { configFile: resolve(used) }) }
}

/** Tiers of the sizes that are given, each trained as the one in its place, the later ones as the last. */
function trainedAs(given: RunCommandOptions['tiers'], tiers: RunConfig['tiers']) {
  return given?.map((size, i) => {
    const { epochs, learningRate } = tiers[i] ?? tiers.at(-1)!
    return { epochs, ...(learningRate !== undefined && { learningRate }), ...size }
  })
}

const ANCESTORS =
  "a model file or folder, 'hf:facebook/deit-tiny-patch16-224' or any ViT of the hub, the folder of a run, 'embedded' (28 x 28 grey, Fashion-MNIST), or 'train' to train one on your images"

const withoutMissing = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
