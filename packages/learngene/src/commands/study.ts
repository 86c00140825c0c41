import { join, resolve } from 'node:path'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { Argument, type Command, Option } from 'commander'
import { configOption } from '../config/options.js'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, integers, jsonOption, quietOption } from '../options.js'
import { durationText } from '../progress/clock-text.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'
import { formatCount } from '../report/text.js'
import type { Question } from '../study/questions.js'

const ACTIONS = ['plan', 'run', 'report'] as const

interface StudyCommandOptions {
  readonly scale: 'quick' | 'overnight' | 'gpu'
  readonly images?: string
  readonly dataDir?: string
  readonly questions?: readonly number[]
  readonly seeds: readonly number[]
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
      'Ten questions about the method, answered on your machine: plan writes the units of a grid of recipes, run runs what has not run, report writes tables of what has.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .argument('<dir>', 'where the study is')
    .addOption(
      new Option('--scale <scale>', 'quick: minutes on two cores; overnight: a night on them; gpu: minutes on a GPU')
        .choices(['quick', 'overnight', 'gpu'])
        .default('quick'),
    )
    .option('--images <dir>', 'folder with a subfolder of pictures for each class (default: the embedded Fashion-MNIST)')
    .option('--data-dir <dir>', 'folder with the four files of Fashion-MNIST, to use all 70,000 images')
    .addOption(new Option('--questions <list>', 'their numbers, such as 1,2 (default: all ten)').argParser(questions))
    .addOption(new Option('--seeds <list>', 'one run of every recipe for each').argParser(seeds).default([0, 1, 2], '0,1,2'))
    .option('--seed <integer>', 'in place of --seeds: one seed alone', integer(0))
    .addOption(configOption())
    .addOption(backendOption())
    .option('--workers <number>', 'worker threads of each unit (default: as for run)', integer(1, 64))
    .addOption(quietOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('learngene study plan runs/study --scale quick', 'then learngene study run runs/study, or its units anywhere'),
    )
    .action(async (action: (typeof ACTIONS)[number], dir: string, given: StudyCommandOptions & { readonly seed?: number }) => {
      const { json, quiet } = given
      const shown = <T>(work: (report: Reporter) => Promise<T>) => withProgress(io, work, quiet)
      if (action === 'report') {
        const { reportStudy } = await import('../study/report-study.js')
        const { TABLES } = await import('../study/study-folder.js')
        const found = await shown((report) => reportStudy(dir, report))
        if (json) return printJson(io, found)
        io.stdout.write(`${found.cells - found.open.length} of ${found.cells} cells have run; their tables are in ${join(dir, TABLES)}\n`)
        if (found.open.length > 0) io.stdout.write(nextText([commandText('study', 'run', dir)], quiet))
        return
      }
      const computing = { backend: given.backend, workers: given.workers }
      if (action === 'run') {
        const { runStudy } = await import('../study/run-study.js')
        const ran = await shown((report) => runStudy(dir, { ...computing, report, signal: io.signal }))
        if (json) return printJson(io, ran)
        io.stdout.write(`${ran.units} units, ${ran.ran} of them run now\n${nextText([commandText('study', 'report', dir)], quiet)}`)
        return
      }
      const { planStudy } = await import('../study/plan-study.js')
      const { withOverrides } = await import('../study/scales.js')
      const grid = withOverrides(await gridFor(given), await overridesOf(given.config))
      const planned = await shown(async (report) =>
        planStudy({
          ...{ dir, grid, scale: given.scale, questions: given.questions as readonly Question[] | undefined },
          ...{ seeds: given.seed === undefined ? given.seeds : [given.seed] },
          ...{ ...computing, report, signal: io.signal },
        }),
      )
      if (json) return printJson(io, planned)
      const { cells, done, units, waves, file, macs, seconds, rate, measured } = planned
      const cost = `about ${formatCount(macs)}MACs: ${durationText(seconds)} at ${formatCount(rate)}MACs a second, ${measured ? 'as measured in this study' : 'an assumption until something has run'}`
      io.stdout.write(`${cells} cells, ${done} done\n${units} units in ${file}, in ${waves.length} waves\n${cost}\n`)
      io.stdout.write(
        nextText([commandText('study', 'run', dir), ...(units > 0 ? [commandText('unit', 'run', file, '--index', '0')] : [])], quiet),
      )
    })
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

async function overridesOf(file: string | undefined) {
  if (file === undefined) return undefined
  const { loadConfig } = await import('../config/load-config.js')
  const { checkOptions } = await import('../config/check-config.js')
  const { runConfig } = await import('../run/config.js')
  const loaded = (await loadConfig(file, process.cwd()))!
  checkOptions(runConfig, loaded.value, loaded.file)
  return loaded.value
}

function questions(text: string): number[] {
  const asked = integers(text)
  const unknown = asked.find((each) => each > 10)
  if (unknown !== undefined) throw new UsageError(`--questions: there are ten, 1 to 10; got ${unknown}`)
  return asked
}

function seeds(text: string): number[] {
  const parts = text.split(',').map(Number)
  if (/^\d+(,\d+)*$/.test(text)) return parts
  throw new UsageError(`--seeds must be a list of integers of at least 0, such as 0,1,2; got ${text}`)
}
