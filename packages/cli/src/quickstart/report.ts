/** What `learngene quickstart` found: the contents of report.json. With the same seed, machine and backend two runs differ in `times` only. */
export interface QuickstartReport {
  readonly schema: 1
  readonly command: 'quickstart'
  /** Of the learngene command. */
  readonly version: string
  readonly seed: number
  readonly backend: { readonly name: string; readonly version: string }
  readonly workers: number
  /** The amounts of work: images, epochs, batch sizes, all that the configuration sets. */
  readonly config: { readonly [key: string]: unknown }
  readonly images: { readonly training: number; readonly validation: number; readonly test: number }
  readonly ancestor: Size & { readonly width: number; readonly depth: number; readonly testAccuracy: number }
  readonly auxiliaries: readonly (Size & {
    readonly name: string
    readonly width: number
    readonly depth: number
    readonly heads: number
    /** Mean loss of the first and the last tenth of the steps. */
    readonly firstLoss: number
    readonly lastLoss: number
    readonly steps: number
  })[]
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

export interface Size {
  readonly parameters: number
  readonly macs: number
}

export interface InitialiserRow {
  readonly name: string
  /** Mean accuracy of the stitched descendants (single tiers left out). */
  readonly meanAccuracy: number
  /** Mean relative error of the stitches on held-out features. */
  readonly meanResidual: number
  readonly descendants: readonly { readonly path: string; readonly accuracy: number }[]
}

export interface DescendantRow extends Size {
  /** Position in the path space. */
  readonly id: number
  readonly path: string
  /** Bytes: 4 x (parameters + peak live floats of one image). */
  readonly memory: number
  readonly stitched: boolean
  /** On the held-out training images; descendants are chosen by this. */
  readonly validationAccuracy: number
  readonly testAccuracy: number
  /** On the Pareto front of MACs and validation accuracy. */
  readonly pareto: boolean
}

export interface StorageRow {
  /** Scalars that are stored: all tiers and stitches. */
  readonly parameters: number
  readonly smallest: Size
  readonly models: number
}
