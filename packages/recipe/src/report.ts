/** The commands whose runs have a report of this form. */
export const COMMANDS = ['quickstart', 'run'] as const

/** What a run found: the contents of report.json. With the same seed, machine and backend two runs differ in `times` only. */
export interface RunReport {
  readonly schema: 2
  readonly command: (typeof COMMANDS)[number]
  /** Of the command. */
  readonly version: string
  readonly seed: number
  readonly backend: { readonly name: string; readonly version: string }
  readonly workers: number
  /** The amounts of work: images, epochs, batch sizes, all that the configuration sets. */
  readonly config: { readonly [key: string]: unknown }
  readonly images: { readonly training: number; readonly validation: number; readonly test: number }
  readonly ancestor: ModelSize & { readonly width: number; readonly depth: number; readonly testAccuracy: number }
  /** The tiers' networks, ascending by width. */
  readonly auxiliaries: readonly AuxiliaryRow[]
  /** What all tiers that inherit from the ancestor share: its passes over unlabelled images and the algebra. */
  readonly inheriting: {
    /** Calibration images. */
    readonly images: number
    /** Share of the energy of the ancestor's residual stream that a tier of each width keeps. */
    readonly energies: readonly { readonly width: number; readonly kept: number }[]
  }
  /** Stitches compared before any fine-tuning. */
  readonly initialisers: {
    /** Validation images the accuracies are measured on. */
    readonly images: number
    readonly rows: readonly InitialiserRow[]
  }
  readonly fineTuning: { readonly steps: number; readonly firstLoss: number; readonly lastLoss: number; readonly initialiser: string }
  /** In the order of the path space. */
  readonly descendants: readonly DescendantRow[]
  /** Multiply-accumulates of evaluating all descendants on one image, sharing front blocks and one by one. */
  readonly evaluation: { readonly sharedMacs: number; readonly separateMacs: number }
  readonly storage: { readonly pool: StorageRow; readonly snnet: StorageRow & { readonly anchors: string } }
  /** Models that are no descendants, made at small cost, for comparison. */
  readonly comparison: readonly ComparisonRow[]
  /** The best descendant by validation accuracy within each of a few budgets. */
  readonly choices: readonly {
    readonly budget: { readonly macs: number }
    readonly path: string
    readonly macs: number
    readonly testAccuracy: number
  }[]
  readonly choice: {
    readonly budget: { readonly [measure: string]: number }
    readonly path: string
    readonly runnerUp: string | null
    readonly why: string
    readonly file: string
    /** Largest relative difference between the descendant's logits inside the pool and those of the extracted file in a new process. */
    readonly logitDifference: number
    readonly comparedImages: number
  }
  /** Seconds by stage. */
  readonly times: { readonly [stage: string]: number }
}

/** The stages after which the whole family stands, stitches too, with nothing trained. */
export const FAMILY_STAGES = { inherit: 'cut tiers out of the ancestor', stitch: 'stitch them, by several initialisers' } as const

/** Seconds until then. */
export function untrainedSeconds({ times }: Pick<RunReport, 'times'>): number {
  return Object.values(FAMILY_STAGES).reduce((total, stage) => total + (times[stage] ?? 0), 0)
}

export interface ModelSize {
  readonly parameters: number
  readonly macs: number
}

export interface AuxiliaryRow extends ModelSize {
  readonly name: string
  readonly width: number
  readonly depth: number
  readonly heads: number
  /** Where its weights came from: computed from the ancestor's, drawn, or the ancestor itself. */
  readonly start: 'inherit' | 'random' | 'ancestor'
  /** For each of its blocks the ancestor's block that it stands for. */
  readonly standsFor: readonly number[]
  /** Share of the energy of the ancestor's residual stream that the width keeps; 1 for the ancestor, 0 for tiers from random weights. */
  readonly keptEnergy: number
  /** Test accuracy before any training. */
  readonly untrainedAccuracy: number
  readonly steps: number
  /** Mean loss of the first and the last tenth of the steps; null where there were none. */
  readonly firstLoss: number | null
  readonly lastLoss: number | null
}

export interface ComparisonRow {
  readonly name: string
  readonly macs: number
  readonly testAccuracy: number
  /** How it was made. */
  readonly note: string
}

export interface InitialiserRow {
  readonly name: string
  /** Mean accuracy of the stitched descendants (single tiers left out). */
  readonly meanAccuracy: number
  /** Mean relative error of the stitches on held-out features. */
  readonly meanResidual: number
  readonly descendants: readonly { readonly path: string; readonly accuracy: number }[]
}

export interface DescendantRow extends ModelSize {
  /** Position in the path space. */
  readonly id: number
  readonly path: string
  /** Bytes: 4 x (parameters + peak live floats of one image). */
  readonly memory: number
  /** Of its file with f32 weights; reports of earlier versions do not tell. */
  readonly bytes?: number
  readonly stitched: boolean
  /** On the held-out training images; descendants are chosen by this. */
  readonly validationAccuracy: number
  readonly testAccuracy: number
  /** On the same test images, before anything was trained. */
  readonly untrainedAccuracy: number
  /** On the Pareto front of MACs and validation accuracy. */
  readonly pareto: boolean
}

export interface StorageRow {
  /** Scalars that are stored: all tiers and stitches. */
  readonly parameters: number
  readonly smallest: ModelSize
  readonly models: number
}
