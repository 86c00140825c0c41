import type { Command } from 'commander'
import { Option } from 'commander'
import { asUsage, UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { example, integer, integers, jsonOption, requireOptions, seedOption } from '../options.js'
import { formatCount, textTable } from '../report/text.js'

export interface PathsOptions {
  readonly widths: readonly number[]
  readonly depth?: number
  readonly depths?: readonly number[]
  readonly heads?: readonly number[]
  readonly imageSize: number
  readonly patchSize: number
  readonly channels: number
  readonly classes: number
  readonly kernel: number
  readonly stride: number
  readonly pairs: 'nearest' | 'all'
}

export function addPaths(program: Command, io: Io): void {
  const size = integer(1)
  const command = program
    .command('paths')
    .description('List the descendants that tiers of given widths and depths have, with what they cost. Nothing is trained or allocated.')
    .addOption(new Option('--widths <list>', 'width of each tier, ascending').argParser(integers))
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
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene paths --widths 192,768 --depth 9', 'the pool of 18 instances, ImageNet size'))
    .action(async ({ json, ...options }: PathsOptions & { json?: boolean }) => {
      const shapes = tierShapes(options)
      const { listPaths } = await import('./list-paths.js')
      const paths = asUsage(() => listPaths(shapes, options))
      if (json) return printJson(io, { paths })
      const rows = paths.map(({ id, path, macs, parameters }) => [String(id), path, formatCount(parameters), formatCount(macs)])
      io.stdout.write(`${textTable(['id', 'path', 'parameters', 'MACs'], rows, ['right', 'left', 'right', 'right'])}\n`)
    })
  requireOptions(command, '--widths <list>')
}

/** Width, depth and heads of each tier. */
function tierShapes({ widths, depth, depths, heads }: PathsOptions) {
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
