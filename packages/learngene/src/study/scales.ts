import { mergeConfig, type Overrides } from '../config/merge-config.js'
import { type RunConfig, runDefaults } from '../run/config.js'
import type { GridSizes } from './questions.js'

export const SCALES = ['quick', 'overnight', 'gpu'] as const

export type Scale = (typeof SCALES)[number]

/** How much of everything a study does. */
interface Amounts {
  readonly widths: readonly number[]
  /** See {@link GridSizes}: of these widths. */
  readonly equalStorage: number
  readonly stride: number
  /** Images; `undefined` is all. */
  readonly training: number | undefined
  readonly validation: number
  readonly test: number | undefined
  readonly batchSize: number
  /** Images that the ancestor is watched on. */
  readonly calibration: number
  /** Epochs of tiers by width, of those that are inherited and of those that are not. */
  readonly inherited: readonly number[]
  readonly random: readonly number[]
  readonly tuning: number
  /** Epochs of ancestors that are trained. */
  readonly pretraining: number
}

/** Quick is an hour on two cores and says whether everything works; overnight is a night on two cores; gpu the same on more images, for a GPU. */
const amounts: { readonly [scale in Scale]: Amounts } = {
  quick: {
    ...{ widths: [12, 24], equalStorage: 27, stride: 4, training: 320, validation: 100, test: 400, batchSize: 40, calibration: 32 },
    ...{ inherited: [4, 1], random: [4, 4], tuning: 2, pretraining: 4 },
  },
  overnight: {
    ...{
      widths: [12, 18, 24, 48],
      equalStorage: 57,
      stride: 3,
      training: 4000,
      validation: 1000,
      test: undefined,
      batchSize: 64,
      calibration: 128,
    },
    ...{ inherited: [4, 1, 0.5, 0], random: [6, 6, 6, 6], tuning: 2, pretraining: 20 },
  },
  gpu: {
    ...{
      widths: [12, 18, 24, 48],
      equalStorage: 57,
      stride: 3,
      training: undefined,
      validation: 2000,
      test: undefined,
      batchSize: 128,
      calibration: 128,
    },
    ...{ inherited: [8, 4, 2, 1], random: [20, 20, 20, 20], tuning: 4, pretraining: 40 },
  },
}

/** The three seeds of a study. */
export const SEEDS = [0, 1, 2]

/** A grid around another base: what tiers are given, those from random weights are too. */
export function withOverrides(grid: StudyGrid, overrides: Overrides<RunConfig> | undefined): StudyGrid {
  if (!overrides) return grid
  const base = mergeConfig<RunConfig>(grid.base, overrides)
  const { tiers, ...random } = grid.random
  const sizes = { ...grid.sizes, widths: base.tiers.map(({ width }) => width) }
  return { base, random: { ...random, ...(!overrides.tiers && tiers && { tiers }) }, sizes }
}

/** An ancestor that is trained here, for pictures of a size. */
export interface Trained {
  readonly imageSize: readonly [number, number]
  readonly patchSize: number
  readonly channels: 1 | 3
}

export interface StudyGrid {
  readonly base: RunConfig
  readonly random: Overrides<RunConfig>
  readonly sizes: GridSizes
}

/**
 * What a study of a scale is about.
 *
 * @param images as a run names them: 'embedded', 'fashion-mnist:DIR' or a folder with a subfolder for each class
 * @param trained where pictures are not Fashion-MNIST's: what an ancestor for them looks like, as the embedded one cannot see them
 */
export function gridOf(scale: Scale, images: string, trained?: Trained): StudyGrid {
  const { widths, equalStorage, stride, training, validation, test, batchSize, calibration, inherited, random, tuning, pretraining } =
    amounts[scale]
  const [width, heads] = [96, 3]
  const depth = trained ? 6 : 12
  const plan = { batchSize, learningRate: 1e-3, weightDecay: 0.02 }
  const rates = [1e-3, 5e-4, 2e-4, 1e-4]
  const model = (wide: number, deep: number, epochs: number) => ({
    ancestor: 'train',
    model: {
      ...{ width: wide, depth: deep, heads, patchSize: trained?.patchSize ?? 4, channels: trained?.channels ?? (1 as const) },
      imageSize: [...(trained?.imageSize ?? [28, 28])] as [number, number],
      training: { ...plan, epochs },
    },
  })
  return {
    base: {
      ...runDefaults,
      ...(trained ? model(width, depth, pretraining) : { ancestor: 'embedded' }),
      images: {
        training: images,
        validationImages: validation,
        testImages: test,
        ...(training !== undefined && { trainingImages: training }),
      },
      tiers: widths.map((each, i) => ({ width: each, epochs: inherited[i]!, learningRate: rates[i]! })),
      ancestorTier: false,
      calibrationImages: calibration,
      distillation: plan,
      fineTuning: { ...plan, epochs: tuning, learningRate: 2e-4 },
      space: { kind: 'aligned', stride },
      initialisers: ['ridge'],
      comparisonImages: Math.min(200, validation),
      heldOutImages: Math.min(64, validation),
    },
    random: {
      tiers: widths.map((each, i) => ({ width: each, epochs: random[i]!, learningRate: 2e-3 })),
      fineTuning: { learningRate: 1e-3 },
    },
    sizes: {
      ...{ depth, widths, heads, equalStorage },
      ancestors: [
        { name: 'half as wide and deep', config: model(width / 2, depth / 2, pretraining) },
        { name: 'half as deep, trained a quarter as long', config: model(width, depth / 2, pretraining / 4) },
      ],
    },
  }
}
