import { mergeConfig, type Overrides } from '../config/merge-config.js'
import type { RunConfig } from '../run/config.js'

/** What a study asks. */
export const QUESTIONS = {
  1: 'How depth and width of tiers matter',
  2: 'Which of the losses can go',
  3: 'Pool against SN-Net and nested widths at equal numbers of steps and at equal storage',
  4: 'Dense, last or every supervision',
  5: 'Order of tiers: from narrow to wide, or the other way too',
  6: 'Initialisers of stitches',
  7: 'Trade-offs against SN-Net under budgets',
  8: 'What sets the smallest model',
  9: 'Why distillation adds little in fine-tuning',
  10: 'How the ancestor matters',
} as const

export type Question = keyof typeof QUESTIONS

/** Where tiers come from. */
export type Start = NonNullable<RunConfig['start']>

/** One point of the grid: a recipe, and what it helps to answer. */
export interface Variant {
  readonly name: string
  readonly questions: readonly Question[]
  readonly start: Start
  readonly config: RunConfig
  /** The stage whose artifact tells the result. */
  readonly stage: 'choose' | 'nested'
}

/** What the grid is spanned by. */
export interface GridSizes {
  /** Of the ancestor. */
  readonly depth: number
  /** Of the tiers, ascending, at least two; the ancestor is wider. */
  readonly widths: readonly number[]
  /** Widths must divide by it. */
  readonly heads: number
  /** Width of a nested network that stores about as much as the pool. */
  readonly equalStorage: number
  /** Two other ancestors. */
  readonly ancestors: readonly { readonly name: string; readonly config: Overrides<RunConfig> }[]
}

/** Tiers from random weights have matrices to make stitches of only where blocks are compared. */
const withoutMatrices = { initialisers: ['leastSquares'] }

const labelsAlone = { weights: { logit: 0, block: 0, attn: 0 }, labelWeight: 1 }

/** All losses of a distillation; inherited tiers follow the ancestor already, and features of a narrow one cannot hold all of its. */
const allLosses = { inherit: { logit: 1, block: 0.1, attn: 0.1 }, random: { logit: 1, block: 1, attn: 1 } }

/**
 * The grid: every point differs from the base of its start in one thing.
 *
 * @param base a pool of inherited tiers; its epochs, batches and rates are those of all
 * @param random what is otherwise where tiers start from random weights
 */
export function variantsOf(base: RunConfig, random: Overrides<RunConfig>, sizes: GridSizes): readonly Variant[] {
  const bases: { readonly [start in Start]: RunConfig } = {
    inherit: base,
    random: mergeConfig<RunConfig>(base, { start: 'random', distillation: { weights: allLosses.random } }, random),
  }
  const starts = ['inherit', 'random'] as const
  const point = (start: Start, name: string, questions: readonly Question[], config: Overrides<RunConfig> = {}): Variant => ({
    ...{ name, questions, start, stage: 'choose' },
    config: mergeConfig<RunConfig>(bases[start], config),
  })
  const both = (name: string, questions: readonly Question[], config: Overrides<RunConfig> | ((start: Start) => Overrides<RunConfig>)) =>
    starts.map((start) => point(start, name, questions, typeof config === 'function' ? config(start) : config))
  const tiers = (start: Start, change: (tier: RunConfig['tiers'][number]) => object) => ({
    tiers: bases[start].tiers.map((tier) => ({ ...tier, ...change(tier) })),
  })
  const scaled = (start: Start, factor: number) => {
    const widthOf = (width: number) => Math.max(2 * sizes.heads, sizes.heads * Math.round((factor * width) / sizes.heads))
    const all = tiers(start, ({ width }) => ({ width: widthOf(width) })).tiers
    // Narrow tiers may come to one width, and are one tier then.
    return { tiers: all.filter(({ width }, i) => width !== all[i - 1]?.width) }
  }
  const depths = [...new Set([(2 * sizes.depth) / 3, sizes.depth / 3].map((each) => Math.max(1, Math.round(each))))]
  const least = Math.max(1, Math.round(sizes.depth / 6))
  const pair = [sizes.widths[0]!, sizes.widths.at(-1)!]
  const lossless = (start: Start, loss: 'logit' | 'block' | 'attn') => ({ distillation: { weights: { ...allLosses[start], [loss]: 0 } } })
  const everyLoss = (start: Start) => ({ distillation: { weights: allLosses[start] } })
  const supervised = (start: Start, supervision: 'every' | 'dense' | 'last') => ({
    distillation: { weights: allLosses[start], supervision },
  })
  return [
    ...both('base', [1, 3, 4, 6, 7, 8, 9, 10], {}),
    ...depths.flatMap((depth) =>
      both(`depth ${depth}`, depth === depths.at(-1) ? [1, 5, 8] : [1, 8], (start) => tiers(start, () => ({ depth }))),
    ),
    ...both(`depth ${least}`, [8], (start) => tiers(start, () => ({ depth: least }))),
    ...both('half the widths', [1, 8], (start) => scaled(start, 0.5)),
    ...both('one and a half of the widths', [1], (start) => scaled(start, 1.5)),
    ...both('all losses', [2, 4], everyLoss),
    ...both('without logits', [2], (start) => lossless(start, 'logit')),
    ...both('without blocks', [2], (start) => ({ ...lossless(start, 'block'), ...(start === 'random' && withoutMatrices) })),
    ...both('without attention', [2], (start) => lossless(start, 'attn')),
    ...both('without labels', [2], (start) => ({ distillation: { weights: allLosses[start], labelWeight: 0 } })),
    point('random', 'SN-Net', [3, 7, 9], {
      distillation: labelsAlone,
      ...withoutMatrices,
      fineTuning: { labelWeight: 0.5, targets: 'hard', paths: 'uniform' },
    }),
    ...starts.flatMap((start) =>
      [
        { name: 'nested widths', wide: [] },
        { name: 'nested widths, equal storage', wide: [sizes.equalStorage] },
      ].map(
        ({ name, wide }): Variant => ({ ...point(start, name, [3, 7], { nested: nestedAs(bases[start], start, wide) }), stage: 'nested' }),
      ),
    ),
    ...both('every block supervised', [4], (start) => supervised(start, 'every')),
    ...both('three blocks supervised', [4], (start) => supervised(start, 'dense')),
    ...both('last block supervised', [4], (start) => supervised(start, 'last')),
    ...starts.map((start) => {
      const { config, ...rest } = point(
        start,
        'both directions',
        [5],
        tiers(start, () => ({ depth: depths.at(-1)! })),
      )
      const ends = config.tiers.filter(({ width }) => pair.includes(width))
      return { ...rest, config: { ...config, tiers: ends, space: { kind: 'twoWay' as const } } }
    }),
    ...['learned', 'leastSquares', 'random'].flatMap((name) => both(`initialiser ${name}`, [6], { initialisers: [name] })),
    ...['paper', 'pinv'].map((name) =>
      point('random', `initialiser ${name}`, [6], { initialisers: [name], distillation: { sides: ['student', 'teacher'] } }),
    ),
    ...[0, 0.5, 1].flatMap((labelWeight) => both(`tuned with ${100 * labelWeight} % labels`, [9], { fineTuning: { labelWeight } })),
    ...[0, 1].map((labelWeight) =>
      point('random', `tiers never distilled, tuned with ${100 * labelWeight} % labels`, [9], {
        ...{ distillation: labelsAlone, ...withoutMatrices },
        fineTuning: { labelWeight },
      }),
    ),
    ...sizes.ancestors.flatMap(({ name, config }) => both(`ancestor ${name}`, [10], config)),
  ]
}

/** As many steps as the pool has in all, a third of them where three widths share one. */
function nestedAs({ tiers, fineTuning, distillation }: RunConfig, start: Start, wide: readonly number[]): NonNullable<RunConfig['nested']> {
  const epochs = tiers.reduce((sum, each) => sum + each.epochs, fineTuning.epochs) / 3
  const { batchSize, learningRate, weightDecay } = distillation
  const widths = [...new Set([...tiers.map(({ width }) => width), ...wide])].sort((a, b) => a - b)
  return { batchSize, learningRate, weightDecay, epochs, widths, start, sizesPerStep: Math.min(3, widths.length) }
}
