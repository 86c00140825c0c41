import type { Rng } from '@learngene/interfaces'
import type { ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { crossEntropy } from '@learngene/ops'
import { type AffineMap, describe, requireArguments, requireKeys, type Side, type Tier, type Transformation } from '@learngene/stitch'
import { alone, type LossTerms, type TrainingControl } from '@learngene/training'
import {
  disposeParameters,
  type ForwardResult,
  forward,
  type Network,
  type PartRegistry,
  parametersOf,
  prefixed,
  sizeText,
} from '@learngene/vit-blocks'
import { add, mean, mul, type Scalar, type Tensor, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'
import { type AuxiliarySpec, createAuxiliary } from './auxiliary.js'
import { requireClasses } from './evaluate.js'
import { type Inheritance, inherit } from './inherit.js'
import { type SupervisedPosition, type Supervision, supervisedPositions } from './supervision.js'
import { askTeacher, liveTeacher, requireSound, type Teacher } from './teacher.js'
import {
  type DistillationTerm,
  lossOf,
  type PlacedMatrix,
  parametersOfTerms,
  requireTerms,
  standardTerms,
  type TermOptions,
} from './terms.js'
import { CONTROL_OPTIONS, keysOf, PLAN_OPTIONS, type PlannedBatch, planEpochs, type TrainingPlan, trainByPlan } from './training-plan.js'

export interface DistillationOptions extends TermOptions {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** Default `every` for inherited auxiliaries, `dense` for those drawn at random. */
  readonly supervision?: Supervision
  /** An inherited auxiliary to start from, which this takes over; default one of random weights. */
  readonly inherited?: Tier
  /** a in a CE + (1 - a) (distillation terms); default 0.1. */
  readonly labelWeight?: number
  /** Terms besides the standard ones, for losses of one's own. Tensors that they train remain the caller's. */
  readonly extraTerms?: (student: Network, positions: readonly SupervisedPosition[]) => readonly DistillationTerm[]
}

/** An auxiliary in the making: the student with all that its loss trains. */
export interface Distillation {
  readonly student: Network
  /** Everything trained: the student's weights and the transformation matrices. */
  readonly parameters: Parameters
  /** What the teacher must provide. */
  readonly ancestorFeatures: readonly string[]
  /** a CE + (1 - a) sum of weighted terms, averaged over the batch, apart: `label`, `logit`, `block`, `attn`, and the extra terms by the first part of their name. */
  loss(images: Tensor4D, targets: Tensor2D, ancestor: ForwardResult): LossTerms
  /** Ends the distillation: the auxiliary as a tier; frees what only training needed. */
  finish(): Promise<Tier>
  dispose(): void
}

/**
 * Sets up the distillation of one auxiliary (method.md section 3). An ancestor without a classifier has no logit term, an auxiliary without one no labels.
 *
 * @throws when the logit term or the labels are asked for and there are no logits for them, an option is unknown, a supervised position lies outside its model, or a term is refused; nothing stays allocated then
 */
export function createDistillation(ancestor: Network, spec: AuxiliarySpec, given: DistillationOptions, rng: Rng): Distillation {
  requireArguments('createDistillation', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  requireKeys('createDistillation', given, [...DISTILL_OPTIONS, 'inherited'])
  const options = withoutLogits(
    ancestor.head.classes,
    given.inherited?.network.head.classes ?? spec.classes ?? ancestor.head.classes,
    given,
  )
  const { labelWeight = 0.1, inherited, supervision = inherited ? 'every' : 'dense' } = options
  const { name, network: student, standsFor } = inherited ?? createAuxiliary(ancestor, spec, rng, options.parts)
  const made: Parameters[] = [parametersOf(student)]
  const dispose = () => made.forEach(disposeParameters)
  try {
    const positions = supervisedPositions(supervision, student.blocks.length, ancestor.blocks.length, standsFor)
    const widths = { student: student.embedding.width, ancestor: ancestor.embedding.width }
    const weights = inherited ? { ...inheritedWeights, ...options.weights } : options.weights
    const start = inherited && startOf(inherited)
    const { terms: standard, matrices } = standardTerms(positions, widths, { ...options, weights }, rng.fork(`matrices ${name}`), start)
    const ofMatrices = parametersOfTerms(standard)
    made.push(ofMatrices)
    const terms = [...standard, ...requireTerms(options.extraTerms?.(student, positions) ?? [])]
    const features = unique(terms.flatMap(({ studentFeatures }) => studentFeatures))
    return {
      student,
      parameters: { ...prefixed('student.', parametersOf(student)), ...prefixed('terms.', parametersOfTerms(terms)) },
      ancestorFeatures: unique(terms.flatMap(({ ancestorFeatures }) => ancestorFeatures)),
      loss(images, targets, ancestor) {
        const outputs = forward(student, images, { features })
        const families = new Map<string, Tensor>()
        if (labelWeight > 0) families.set('label', mul(crossEntropy(outputs.logits, targets), labelWeight))
        for (const term of terms) {
          const [family] = term.name.split('.') as [string]
          const weighted = mul(lossOf(term, outputs, ancestor, targets), term.weight * (1 - labelWeight))
          const before = families.get(family)
          families.set(family, before ? add(before, weighted) : weighted)
        }
        if (families.size === 0) throw new Error('distillation: the loss must have a term; labelWeight and all weights are 0')
        return Object.fromEntries(Array.from(families, ([family, loss]) => [family, mean(loss) as Scalar]))
      },
      async finish() {
        const trained = await readTransformations(matrices)
        const transformations = trained.length > 0 ? trained : (inherited?.transformations ?? [])
        disposeParameters(ofMatrices)
        return { name, network: student, transformations, standsFor }
      },
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Leaves out the parts of the loss that compare logits where there are none; they are an error where they were asked for. */
function withoutLogits(ancestorClasses: number, classes: number, options: DistillationOptions): DistillationOptions {
  const { labelWeight, weights } = options
  const comparable = ancestorClasses > 0 && ancestorClasses === classes
  if (!comparable && (weights?.logit ?? 0) > 0) {
    throw new Error(
      `distillation: the logit term compares logits of the same classes; the ancestor has ${ancestorClasses}, the auxiliary ${classes}: leave weights.logit out`,
    )
  }
  if (classes === 0 && (labelWeight ?? 0) > 0) {
    throw new Error('distillation: labels need a classifier; give the auxiliary classes, or leave labelWeight out')
  }
  return { ...options, ...(!comparable && { weights: { ...weights, logit: 0 } }), ...(classes === 0 && { labelWeight: 0 }) }
}

/** Of an inherited auxiliary's terms: it follows the ancestor already, and a narrow one cannot hold all of its features. */
const inheritedWeights = { logit: 1, block: 0.1, attn: 0.1 }

/** Where transformation matrices start, of either side: where inheriting put those of block outputs; those of attention, which has a mean of its own, without their bias. */
function startOf({ transformations }: Tier) {
  return (feature: 'block' | 'attn', { student }: SupervisedPosition, side: Side): AffineMap | undefined => {
    const map = transformations.find(({ side, position }) => side === 'student' && position === student)?.map
    if (map && side === 'teacher') return adjoint(map)
    return map && feature === 'attn' ? { ...map, bias: new Float32Array(map.outputs) } : map
  }
}

/** The map back where the weight's columns are orthonormal and the bias stands on them: R_s^T = E_s. */
function adjoint({ inputs, outputs, weight }: AffineMap): AffineMap {
  const transposed = Float32Array.from(weight, (_, i) => weight[(i % outputs) * inputs + Math.floor(i / outputs)]!)
  return { inputs: outputs, outputs: inputs, weight: transposed, bias: new Float32Array(inputs) }
}

export interface DistillOptions extends Omit<DistillationOptions, 'inherited'>, TrainingPlan, TrainingControl {
  /**
   * Where the auxiliary starts: cut out of the ancestor (default where the specification names no block kinds), random weights as in the paper, or a tier that was
   * inherited before, which is trained in place and freed where its training fails; the specification then says nothing.
   */
  readonly start?: 'inherit' | 'random' | Tier
  /** What was computed before for all auxiliaries of this ancestor; default computed for this one alone, from 128 of the images. */
  readonly inheritance?: Inheritance
  /** The ancestor's outputs; default run anew for each batch. A cached one must hold the features of {@link Distillation.ancestorFeatures}. */
  readonly teacher?: Teacher
}

/** Every option of {@link distill}. */
export const DISTILL_OPTIONS = keysOf<DistillOptions>({
  ...PLAN_OPTIONS,
  ...{ weights: true, temperature: true, classes: true, sides: true, trainIdentity: true },
  ...{
    supervision: true,
    labelWeight: true,
    extraTerms: true,
    parts: true,
    start: true,
    inheritance: true,
  },
  ...CONTROL_OPTIONS,
  ...{ teacher: true },
})

/**
 * Distils the ancestor into one auxiliary, which by default is cut out of the ancestor and fitted to it before anything is trained; 0 epochs leave it there.
 *
 * @returns the auxiliary as a tier, with the transformation matrices of its block outputs, and the loss of each step
 * @throws when an argument or option is missing, unknown or of another kind, or a cached teacher saw other images; what `createDistillation` and the
 * training throw. Nothing stays allocated then
 */
export async function distill(
  ancestor: Network,
  spec: AuxiliarySpec,
  source: ImageSource,
  options: DistillOptions,
  rng: Rng,
): Promise<{ readonly tier: Tier; readonly losses: Float32Array }> {
  requireArguments('distill', { ancestor: ['network', ancestor], spec: ['object', spec], source: ['source', source], rng: ['rng', rng] })
  requireKeys('distill', options, DISTILL_OPTIONS)
  planEpochs(options, source.length, rng.fork('batches'), options.group ?? alone)
  await requireSound(options.teacher, source)
  const { start = spec.block ? 'random' : 'inherit', inheritance: _, ...others } = options
  const distilling = source.classes.length === 0 ? { labelWeight: 0, ...others } : others
  const inherited = await startingTier(start, ancestor, spec, source, options)
  const live = options.teacher ? undefined : liveTeacher(ancestor)
  const teacher = options.teacher ?? live!
  let distillation: Distillation | undefined
  try {
    distillation = createDistillation(ancestor, spec, { ...distilling, inherited }, rng)
    const { ancestorFeatures, loss, parameters, finish, student } = distillation
    if ((distilling.labelWeight ?? 0.1) > 0 && student.head.classes > 0)
      requireClasses('distill: with labelWeight above 0', source, student.head.classes)
    const copied = (options.accumulate ?? 1) > 1
    const training = {
      parameters,
      source,
      lesson: ({ indices, images, targets }: PlannedBatch) => {
        return { images, targets, ancestor: askTeacher(teacher, { indices, images }, ancestorFeatures, copied) }
      },
      prepareLesson: async ({ images }: PlannedBatch) => teacher.prepare?.(images, ancestorFeatures),
      loss: (_step: number, _index: number, { images, targets, ancestor }: DistillationLesson) => loss(images, targets, ancestor),
      key: () => 'distillation',
      watched: () => [student],
    }
    const losses = await trainByPlan(options, training, rng)
    return { tier: await finish(), losses }
  } catch (error) {
    distillation?.dispose()
    throw error
  } finally {
    live?.dispose()
  }
}

interface DistillationLesson {
  readonly images: Tensor4D
  readonly targets: Tensor2D
  readonly ancestor: ForwardResult
}

/** The tier that a distillation starts from; none where it starts from random weights. */
async function startingTier(
  start: NonNullable<DistillOptions['start']>,
  ancestor: Network,
  spec: AuxiliarySpec,
  source: ImageSource,
  { inheritance, parts, report, signal }: DistillOptions,
): Promise<Tier | undefined> {
  if (start === 'random') return undefined
  if (start !== 'inherit') {
    if (typeof start === 'string') throw new Error(`distill: start must be 'inherit', 'random' or a tier; got ${describe(start)}`)
    requireArguments('distill', { start: ['tier', start] })
    requireFitting(start, ancestor)
    return start
  }
  if (spec.block) {
    throw new Error(
      "distill: an auxiliary whose blocks are named by `block` starts from random weights: leave it out, or take start: 'random'",
    )
  }
  const { block: _, ...size } = spec
  return inherit(ancestor, size, source, { parts, report, signal, from: inheritance })
}

/** @throws when a tier cannot be taught by the ancestor, or its matrices lead elsewhere */
function requireFitting({ name, network, transformations }: Tier, ancestor: Network): void {
  const described = ({ embedding, head }: Network) =>
    `images ${sizeText(embedding.geometry.imageSize)} x ${embedding.geometry.channels}, ${embedding.tokens} tokens and ${head.classes} classes`
  if (described(network) !== described(ancestor)) {
    throw new Error(
      `distill: start must see the ancestor's images and classes, ${described(ancestor)}; the tier ${name} has ${described(network)}`,
    )
  }
  const other = transformations.find(({ side, map }) => side === 'student' && map.outputs !== ancestor.embedding.width)
  if (other) {
    throw new Error(
      `distill: start must be a tier of this ancestor; the matrices of ${name} lead to a width of ${other.map.outputs}, not ${ancestor.embedding.width}`,
    )
  }
}

async function readTransformations(matrices: readonly PlacedMatrix[]): Promise<Transformation[]> {
  const ofBlocks = matrices.filter(({ feature }) => feature === 'block')
  return Promise.all(
    ofBlocks.map(async ({ position, matrix }) => ({
      side: matrix.side,
      position: position.student,
      ancestorPosition: position.ancestor,
      map: await matrix.read(),
    })),
  )
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
