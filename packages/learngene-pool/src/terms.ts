import { featureMse, softTarget, transformedMse } from '@learngene/distill-losses'
import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { type AffineMap, describe, requireArguments, requireKeys, type Side } from '@learngene/stitch'
import { type ForwardResult, prefixed } from '@learngene/vit-blocks'
import { Tensor, type Tensor2D, type Variable } from '@tensorflow/tfjs-core'
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
  /**
   * Per-example values [B]. The ancestor's tensors are data. Depends on tensors only: its GPU commands may be recorded once and replayed.
   *
   * @param targets the share that each class has in each image [B, C]
   */
  loss(student: ForwardResult, ancestor: ForwardResult, targets: Tensor2D): Tensor
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

/** The three losses of method.md section 3: soft cross entropy of logits, MSE of block outputs, MSE of attention outputs, at every supervised position. `start` gives matrices that are known before. */
export function standardTerms(
  positions: readonly SupervisedPosition[],
  widths: { readonly student: number; readonly ancestor: number },
  options: TermOptions,
  rng: Rng,
  start: (feature: 'block' | 'attn', position: SupervisedPosition, side: Side) => AffineMap | undefined = () => undefined,
): { readonly terms: DistillationTerm[]; readonly matrices: PlacedMatrix[] } {
  const { temperature = 1, classes = 'sum', sides = ['student'], trainIdentity } = options
  const weights = options.weights ?? {}
  requireArguments('standardTerms', { positions: ['object[]', positions], rng: ['rng', rng] })
  requireKeys('weights', weights, ['logit', 'block', 'attn'])
  if (!Array.isArray(sides) || !sides.every((side) => side === 'student' || side === 'teacher')) {
    throw new Error(`sides must be a list of 'student' and 'teacher'; got ${Array.isArray(sides) ? `[${sides}]` : describe(sides)}`)
  }
  const { logit = 1, block = 1, attn = 1 } = weights
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
        const matrix = createMatrix(side, widths.student, widths.ancestor, rng.fork(name), trainIdentity, start(feature, position, side))
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

/** Checks what `extraTerms` returned. */
export function requireTerms(terms: readonly DistillationTerm[]): readonly DistillationTerm[] {
  requireArguments('extraTerms', { terms: ['object[]', terms] })
  for (const { name, weight, studentFeatures, ancestorFeatures, loss } of terms) {
    const right = Number.isFinite(weight) && Array.isArray(studentFeatures) && Array.isArray(ancestorFeatures) && typeof loss === 'function'
    if (right && typeof name === 'string') continue
    throw new Error(
      `extraTerms: a term must be { name, weight, studentFeatures, ancestorFeatures, loss }; got name ${describe(name)}, weight ${describe(weight)}, studentFeatures ${describe(studentFeatures)}, ancestorFeatures ${describe(ancestorFeatures)}, loss ${describe(loss)}`,
    )
  }
  return terms
}

/**
 * What the terms train, by name. Terms may share a parameter under one name.
 *
 * @throws when two parameters have one name: only one of them would be trained
 */
export function parametersOfTerms(terms: readonly DistillationTerm[]): Parameters {
  const joint: { [name: string]: Variable } = {}
  for (const term of terms) {
    for (const [name, parameter] of Object.entries(term.parameters ?? {})) {
      if (joint[name] && joint[name] !== parameter) {
        throw new Error(
          `extraTerms: parameters of different terms must have different names; a second '${name}' comes with the term '${term.name}'`,
        )
      }
      joint[name] = parameter
    }
  }
  return joint
}

/** A term's loss. @throws where it is not one value per example */
export function lossOf(term: DistillationTerm, student: ForwardResult, ancestor: ForwardResult, targets: Tensor2D): Tensor {
  const loss = term.loss(student, ancestor, targets)
  if (loss instanceof Tensor && loss.rank === 1 && loss.size === student.logits.shape[0]) return loss
  const came = loss instanceof Tensor ? `a tensor of shape [${(loss as Tensor).shape}]` : describe(loss)
  throw new Error(`term '${term.name}': its loss must be one value for each of the ${student.logits.shape[0]} examples; got ${came}`)
}
