import type { SpaceSpec } from '@learngene/stitch'
import type { Command } from 'commander'
import { Option } from 'commander'
import { asUsage, UsageError } from '../errors.js'
import type { Io } from '../io.js'
import { example, integer, integers, jsonOption, quietOption, seedOption } from '../options.js'
import { freeName } from '../report/free-name.js'
import { commandText, nextText } from '../report/next.js'
import type { PathsOptions, TierSize } from './list-paths.js'
import { printPaths } from './print-paths.js'

const SPACES = ['slidingWindow', 'multiStitch', 'twoWay', 'singleTiers', 'earlyExits'] as const satisfies readonly SpaceSpec['kind'][]

/** Tiers that have a name: the anchors of SN-Net. */
const PRESETS: { readonly [name: string]: Pick<PathsOptions, 'widths' | 'depth'> } = {
  'snnet-deit': { widths: [192, 384, 768], depth: 12 },
}

export function addPaths(program: Command, io: Io): void {
  const size = integer(1)
  const command = program
    .command('paths')
    .description('List the descendants that tiers of given widths and depths have, with what they cost. Nothing is trained or allocated.')
    .addOption(new Option('--widths <list>', 'width of each tier, ascending').argParser(integers))
    .addOption(
      new Option('--preset <name>', 'tiers by name, in place of widths, depths and heads')
        .choices(Object.keys(PRESETS))
        .conflicts(['widths', 'depth', 'depths', 'heads']),
    )
    .option('--depth <number>', 'blocks of every tier', size)
    .addOption(new Option('--depths <list>', 'blocks of each tier, where they differ').argParser(integers).conflicts('depth'))
    .option('--heads <list>', 'attention heads of each tier (default: one for 64 of width)', integers)
    .option('--image-size <pixels>', 'height and width of the images', size, 224)
    .option('--patch-size <pixels>', 'height and width of the patches', size, 16)
    .option('--channels <number>', 'channels of the images', size, 3)
    .option('--classes <number>', 'classes', size, 1000)
    .option('--kernel <number>', 'blocks in a window of stitches', size, 2)
    .option('--stride <number>', 'blocks from one window to the next', size, 1)
    .addOption(
      new Option('--pairs <which>', 'stitch each tier to the next or to all wider ones').choices(['nearest', 'all']).default('nearest'),
    )
    .addOption(
      new Option('--space <kind>', 'which paths: one stitch, several, both directions, none, first blocks only')
        .choices(SPACES)
        .default('slidingWindow'),
    )
    .addOption(
      new Option('--convention <name>', 'count what runs, or stitched models as SN-Net published them')
        .choices(['full', 'snnet'])
        .default('full'),
    )
    .option('--count', 'print only how many paths there are, without listing them, and nothing else')
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene paths --widths 192,768 --depth 9', 'the pool of 18 instances, ImageNet size'))
    .action(async ({ json = false, count, quiet, preset, ...given }: Given) => {
      const options = { ...given, ...(preset && PRESETS[preset]) }
      const tiers = tierShapes(options)
      const { countPaths, listPaths } = await import('./list-paths.js')
      if (!count) {
        const rows = asUsage(() => listPaths(tiers, options))
        await printPaths(io, rows, json)
        if (!json) io.stdout.write(nextText([runOfTiers(tiers)], quiet))
        return
      }
      const total = asUsage(() => countPaths(tiers, options))
      io.stdout.write(json ? `{\n  "count": ${total}\n}\n` : `${total}\n`)
    })
  command.usage('(--widths <list> | --preset <name>) [options]')
}

type Given = PathsOptions & { readonly json?: boolean; readonly quiet?: boolean; readonly count?: boolean; readonly preset?: string }

/** The command that makes such tiers, of an ancestor that stays to be named. */
function runOfTiers(tiers: readonly TierSize[]): string {
  const sizes = tiers.map(({ width, depth }) => `${width}x${depth}`).join(',')
  return commandText('run', '--images', 'photos', '--ancestor', 'MODEL', '--tiers', sizes, '--out', freeName('runs/photos'))
}

/** Width, depth and heads of each tier. */
function tierShapes({ widths, depth, depths, heads }: PathsOptions) {
  if (widths === undefined) throw new UsageError('paths needs --widths <list> or --preset <name>; learngene paths --help tells more')
  if (depth === undefined && depths === undefined) throw new UsageError('give the depth of the tiers, such as --depth 9 or --depths 9,12')
  const each = (name: string, values: readonly number[]) => {
    if (values.length === 1) return widths.map(() => values[0]!)
    if (values.length === widths.length) return values
    throw new UsageError(`--${name} must name one value, or one for each of the ${widths.length} widths; got ${values.length}`)
  }
  const depthOf = each('depths', depths ?? [depth!])
  const headsOf = heads ? each('heads', heads) : widths.map(defaultHeads)
  return widths.map((width, i) => ({ width, depth: depthOf[i]!, heads: headsOf[i]! }))
}

/** One for 64 of width as in DeiT, fewer where that does not divide the width. */
function defaultHeads(width: number): number {
  let heads = Math.max(1, Math.floor(width / 64))
  while (width % heads !== 0) heads--
  return heads
}
