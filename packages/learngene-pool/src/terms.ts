import { featureMse, softTarget, transformedMse } from '@learngene/distill-losses'
import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import type { Side } from '@learngene/stitch'
import { type ForwardResult, prefixed } from '@learngene/vit-blocks'
import type { Tensor } from '@tensorflow/tfjs-core'
import { createMatrix, type TransformationMatrix } from './matrices.js'
import type { SupervisedPosition } from './supervision.js'

/** One part of the distillation loss. Users add their own. */
export interface DistillationTerm {
  readonly name: string
  readonly weight: number
  /** Features that must be computed, by the names that `forward` of vit-blocks knows: `block.5`, `attn.5`. */
  readonly studentFeatures: readonly string[]
  readonly ancestorFeatures: readonly string[]
  /** What the term trains along with the auxiliary. */
  readonly parameters?: Parameters
  /** Per-example values [B]. The ancestor's tensors are data. Depends on tensors only: its GPU commands may be recorded once and replayed. */
  loss(student: ForwardResult, ancestor: ForwardResult): Tensor
}

/** What the parts of the loss weigh, and how the logits are compared. */
export interface TermOptions {
  /** Weights of the logit, block and attention terms; default 1 each. 0 leaves a term out. */
  readonly weights?: { readonly logit?: number; readonly block?: number; readonly attn?: number }
  /** Of the soft cross entropy; default 1. */
  readonly temperature?: number
  /** Default `sum`: summed over classes, times T^2. `mean` reproduces the published code. */
  readonly classes?: 'sum' | 'mean'
  /** Which features the transformation matrices map; default the student's. Comparisons of initialisers train both. */
  readonly sides?: readonly Side[]
  /** Trains the matrices at the ancestor's own width too, instead of fixing them to the identity. */
  readonly trainIdentity?: boolean
}

/** A trained matrix with the place it belongs to. */
export interface PlacedMatrix {
  readonly feature: 'block' | 'attn'
  readonly position: SupervisedPosition
  readonly matrix: TransformationMatrix
}

/** The three losses of method.md section 3: soft cross entropy of logits, MSE of block outputs, MSE of attention outputs, at every supervised position. */
export function standardTerms(
  positions: readonly SupervisedPosition[],
  widths: { readonly student: number; readonly ancestor: number },
  options: TermOptions,
  rng: Rng,
): { readonly terms: DistillationTerm[]; readonly matrices: PlacedMatrix[] } {
  const { temperature = 1, classes = 'sum', sides = ['student'], trainIdentity } = options
  const { logit = 1, block = 1, attn = 1 } = options.weights ?? {}
  const matrices: PlacedMatrix[] = []
  const terms: DistillationTerm[] = []
  if (logit > 0) {
    terms.push({
      name: 'logit',
      weight: logit,
      studentFeatures: [],
      ancestorFeatures: [],
      loss: (student, ancestor) => softTarget(student.logits, ancestor.logits, { temperature, classes }),
    })
  }
  for (const [feature, weight] of [
    ['block', block],
    ['attn', attn],
  ] as const) {
    if (weight === 0) continue
    for (const position of positions) {
      for (const side of sides) {
        const name = `${feature}.${position.student}.${side}`
        const matrix = createMatrix(side, widths.student, widths.ancestor, rng.fork(name), trainIdentity)
        matrices.push({ feature, position, matrix })
        terms.push(featureTerm(name, weight, feature, position, matrix))
      }
    }
  }
  return { terms, matrices }
}

function featureTerm(
  name: string,
  weight: number,
  feature: string,
  position: SupervisedPosition,
  { map, parameters }: TransformationMatrix,
): DistillationTerm {
  const studentFeature = `${feature}.${position.student}`
  const ancestorFeature = `${feature}.${position.ancestor}`
  return {
    name,
    weight,
    studentFeatures: [studentFeature],
    ancestorFeatures: [ancestorFeature],
    parameters: prefixed(`${name}.`, parameters),
    loss(student, ancestor) {
      const taught = student.features[studentFeature]!
      const target = ancestor.features[ancestorFeature]!
      return map ? transformedMse(taught, target, map) : featureMse(taught, target)
    },
  }
}
