import { join, resolve } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { Argument, type Command, Option } from 'commander'
import type { Overrides } from '../config/merge-config.js'
import { configOption } from '../config/options.js'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, quietOption } from '../options.js'
import { durationText } from '../progress/clock-text.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'
import { formatCount } from '../report/text.js'
import { absoluteAncestor, absoluteClasses, absoluteImages } from '../run/absolute-names.js'
import type { RunConfig } from '../run/config.js'
import type { Question } from '../study/questions.js'

const ACTIONS = ['plan', 'run', 'report'] as const

interface StudyCommandOptions {
  readonly scale: 'quick' | 'overnight' | 'gpu'
  readonly images?: string
  readonly dataDir?: string
  readonly questions?: readonly number[]
  readonly seeds: readonly number[]
  readonly results?: readonly string[]
  readonly config?: string
  readonly backend: BackendName | 'auto'
  readonly workers?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addStudy(program: Command, io: Io): void {
  program
    .command('study')
    .description(
      'Ten questions about the method, answered on your machine: plan writes the units of a grid of recipes, run runs what has not run, report writes tables of what has, and results.jsonl, which keeps it.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .argument('<dir>', 'where the study is')
    .addOption(
      new Option('--scale <scale>', 'quick: an hour on two cores; overnight: a night on them; gpu: more images and epochs, for a GPU')
        .choices(['quick', 'overnight', 'gpu'])
        .default('quick'),
    )
    .option('--images <dir>', 'folder with a subfolder of pictures for each class (default: the embedded Fashion-MNIST)')
    .option('--data-dir <dir>', 'folder with the four files of Fashion-MNIST, to use all 70,000 images')
    .addOption(new Option('--questions <list>', 'their numbers, such as 1,2 (default: all ten)').argParser(questions))
    .addOption(new Option('--seeds <list>', 'one run of every recipe for each').argParser(seeds).default([0, 1, 2], '0,1,2'))
    .option('--seed <integer>', 'in place of --seeds: one seed alone', integer(0))
    .addOption(
      new Option(
        '--results <files>',
        'results.jsonl of other folders or machines, such as a.jsonl,b.jsonl: what they tell of this study is not run again',
      ).argParser(files),
    )
    .addOption(configOption())
    .addOption(backendOption())
    .option('--workers <number>', 'worker threads of each unit (default: as for run)', integer(1, 64))
    .addOption(quietOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('learngene study plan runs/study --scale quick', 'then learngene study run runs/study, or its units anywhere'),
    )
    .action(
      async (action: (typeof ACTIONS)[number], dir: string, given: StudyCommandOptions & { readonly seed?: number }, command: Command) => {
        const { json, quiet } = given
        requireOwnOptions(action, command)
        if (given.seed !== undefined && command.getOptionValueSource('seeds') === 'cli')
          throw new UsageError('study plan takes --seeds <list> or --seed <integer>, not both; learngene study --help tells more')
        const shown = <T>(work: (report: Reporter) => Promise<T>) => withProgress(io, work, quiet)
        if (action === 'report') {
          const { reportStudy } = await import('../study/report-study.js')
          const { MEASURED, TABLES } = await import('../study/study-folder.js')
          const found = await shown((report) => reportStudy(dir, report))
          if (json) return printJson(io, found)
          io.stdout.write(
            `${found.cells - found.open.length} of ${found.cells} cells have run; their tables are in ${join(dir, TABLES)}, a line of each in ${join(dir, MEASURED)}\n`,
          )
          if (found.open.length > 0) io.stdout.write(nextText([commandText('study', 'run', dir)], quiet))
          return
        }
        const computing = { backend: given.backend, workers: given.workers }
        if (action === 'run') {
          const { runStudy } = await import('../study/run-study.js')
          const ran = await shown((report) => runStudy(dir, { ...computing, report, signal: io.signal }))
          if (json) printJson(io, ran)
          else io.stdout.write(`${ran.units} units, ${ran.ran} of them run now\n${nextText([commandText('study', 'report', dir)], quiet)}`)
          if (ran.failed > 0)
            throw new Error(
              `${ran.failed} of ${ran.units} units of ${dir} have failed, as said above, or need one that has; all others stand. ${commandText('study', 'run', dir)} tries them again`,
            )
          return
        }
        const { planStudy } = await import('../study/plan-study.js')
        const { withOverrides } = await import('../study/scales.js')
        const grid = await gridFor(given)
        const wanted = withOverrides(grid, await overridesOf(given.config, grid.base))
        const planned = await shown(async (report) =>
          planStudy({
            ...{ dir, grid: wanted, scale: given.scale, questions: given.questions as readonly Question[] | undefined },
            ...{ seeds: given.seed === undefined ? given.seeds : [given.seed], results: given.results },
            ...{ ...computing, report, signal: io.signal },
          }),
        )
        if (json) return printJson(io, planned)
        const { cells, done, results, units, waves, file, macs, seconds, rate, measured } = planned
        const cost = `about ${formatCount(macs)}MACs: ${durationText(seconds)} at ${formatCount(rate)}MACs a second, ${measured ? 'as measured in this study' : 'an assumption until something has run'}`
        const others = results.given > 0 ? `${results.other} of ${results.given} results are of other recipes or images\n` : ''
        io.stdout.write(`${cells} cells, ${done} done\n${others}${units} units in ${file}, in ${waves.length} waves\n${cost}\n`)
        io.stdout.write(
          nextText([commandText('study', 'run', dir), ...(units > 0 ? [commandText('unit', 'run', file, '--index', '0')] : [])], quiet),
        )
      },
    )
}

/** Options that an action would pass over: the folder of a study says already what it is about. */
const FOREIGN = {
  plan: [],
  run: ['scale', 'images', 'dataDir', 'questions', 'seeds', 'seed', 'results', 'config'],
  report: ['scale', 'images', 'dataDir', 'questions', 'seeds', 'seed', 'results', 'config', 'backend', 'workers'],
} as const

/** @throws UsageError where an option is given that the action would pass over */
function requireOwnOptions(action: (typeof ACTIONS)[number], command: Command): void {
  const option = command.options.find(
    (each) => FOREIGN[action].some((name) => name === each.attributeName()) && command.getOptionValueSource(each.attributeName()) === 'cli',
  )
  if (!option) return
  const of = action === 'run' || FOREIGN.run.some((name) => name === option.attributeName()) ? 'plan' : 'plan and study run'
  throw new UsageError(`${option.long} belongs to study ${of}; study ${action} takes what was planned; learngene study --help tells more`)
}

/** The grid for the images that are asked for. */
async function gridFor({ scale, images, dataDir }: StudyCommandOptions) {
  const { gridOf } = await import('../study/scales.js')
  if (images !== undefined && dataDir !== undefined)
    throw new UsageError('study takes --images or --data-dir, not both; learngene study --help tells more')
  if (dataDir !== undefined) return gridOf(scale, `fashion-mnist:${resolve(dataDir)}`)
  if (images === undefined) return gridOf(scale, 'embedded')
  const { readImages } = await import('../run/build-recipe.js')
  const { shapeFor } = await import('../run/sensible.js')
  const { training } = await readImages({ images: { training: resolve(images) } })
  return gridOf(scale, resolve(images), await shapeFor(training))
}

/** @throws UsageError where the file has an option that there is not, a wrong value, or a function, which the folder of a study cannot keep */
async function overridesOf(file: string | undefined, base: RunConfig) {
  if (file === undefined) return undefined
  const { loadConfig } = await import('../config/load-config.js')
  const { checkConfig, checkOptions } = await import('../config/check-config.js')
  const { mergeConfig } = await import('../config/merge-config.js')
  const { runConfig } = await import('../run/config.js')
  const loaded = (await loadConfig(file, process.cwd()))!
  checkOptions(runConfig, loaded.value, loaded.file)
  checkConfig(runConfig, mergeConfig<RunConfig>(base, loaded.value), loaded.file)
  JSON.stringify(loaded.value, (key, value) => {
    if (typeof value !== 'function') return value
    throw new UsageError(
      `${loaded.file}: a study keeps its recipes as JSON, and '${key}' is a function; leave it out, or take learngene run`,
    )
  })
  const { ancestor, images } = loaded.value as Overrides<RunConfig>
  const { training, validation, test, classes } = images ?? {}
  const named = { training, validation, test }
  return mergeConfig<Overrides<RunConfig>>(loaded.value, {
    ...(ancestor !== undefined && { ancestor: absoluteAncestor(ancestor) }),
    images: {
      ...Object.fromEntries(Object.entries(named).map(([part, dir]) => [part, absoluteImages(dir)])),
      classes: absoluteClasses(classes as RunConfig['images']['classes']),
    },
  })
}

function questions(text: string): number[] {
  const asked = text.split(',').map(Number)
  if (/^\d+(,\d+)*$/.test(text) && asked.every((each) => each >= 1 && each <= 10)) return [...new Set(asked)]
  throw new UsageError(`--questions must be a list of numbers of the ten questions, such as 1,2; got ${text}`)
}

function seeds(text: string): number[] {
  const parts = text.split(',').map(Number)
  if (/^\d+(,\d+)*$/.test(text) && parts.every(Number.isSafeInteger) && new Set(parts).size === parts.length) return parts
  throw new UsageError(`--seeds must be a list of different integers of at least 0, such as 0,1,2; got ${text}`)
}

/** Reads `a.jsonl,b.jsonl`; an option that is repeated adds to what was named before. */
function files(text: string, before: readonly string[] = []): readonly string[] {
  const named = text.split(',')
  if (named.every((each) => each !== '')) return [...before, ...named]
  throw new UsageError(`--results must be files, such as a.jsonl,b.jsonl; got '${text}'`)
}
