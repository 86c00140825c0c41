import type { Reporter, Rng } from '@learngene/interfaces'
import type { BlockRegistry, ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { classTargets, crossEntropy } from '@learngene/ops'
import { defaultTierName, requireArguments, requireKeys, type Tier, type Transformation } from '@learngene/stitch'
import { adamW, alone, type Group, train } from '@learngene/training'
import {
  type BlockSpec,
  createViT,
  disposeParameters,
  type ForwardResult,
  forward,
  type Network,
  parametersOf,
  prefixed,
} from '@learngene/vit-blocks'
import { add, mean, mul, type Scalar, type Tensor, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'
import { keysOf, PLAN_OPTIONS, planEpochs, type TrainingPlan } from './epochs.js'
import { type SupervisedPosition, type Supervision, supervisedPositions } from './supervision.js'
import { liveTeacher, requireSound, type Teacher } from './teacher.js'
import {
  type DistillationTerm,
  lossOf,
  type PlacedMatrix,
  parametersOfTerms,
  requireTerms,
  standardTerms,
  type TermOptions,
} from './terms.js'

/** A small model to be distilled from the ancestor. */
export interface AuxiliarySpec {
  /** D_s */
  readonly width: number
  /** L_s */
  readonly depth: number
  /** H; must divide the width. */
  readonly heads: number
  /** The tier's name in paths; default after width and depth, `ti9` or `w48d6`. */
  readonly name?: string
  /** The kind of block i, where it is not the standard transformer block. */
  readonly block?: (i: number) => BlockSpec
}

export interface DistillationOptions extends TermOptions {
  /** Default `dense`. */
  readonly supervision?: Supervision
  /** a in a CE + (1 - a) (distillation terms); default 0.1. */
  readonly labelWeight?: number
  /** Terms besides the standard ones, for losses of one's own. Tensors that they train remain the caller's. */
  readonly extraTerms?: (student: Network, positions: readonly SupervisedPosition[]) => readonly DistillationTerm[]
  /** Factories of the kinds that `AuxiliarySpec.block` names. */
  readonly blocks?: BlockRegistry
}

/** An auxiliary in the making: the student with all that its loss trains. */
export interface Distillation {
  readonly student: Network
  /** Everything trained: the student's weights and the transformation matrices. */
  readonly parameters: Parameters
  /** What the teacher must provide. */
  readonly ancestorFeatures: readonly string[]
  /** a CE + (1 - a) sum of weighted terms, averaged over the batch. */
  loss(images: Tensor4D, targets: Tensor2D, ancestor: ForwardResult): Scalar
  /** Ends the distillation: the auxiliary as a tier; frees what only training needed. */
  finish(): Promise<Tier>
  dispose(): void
}

/** An auxiliary before its distillation: sees the ancestor's images, as many tokens and the same classes; weights freshly drawn. */
export function createAuxiliary(ancestor: Network, spec: AuxiliarySpec, rng: Rng, blocks?: BlockRegistry): Tier {
  requireArguments('createAuxiliary', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  const { geometry, distillationToken: distilled } = ancestor.embedding
  const { classes, epsilon } = ancestor.head
  const name = spec.name ?? defaultTierName(spec.width, spec.depth)
  return {
    name,
    network: createViT({ ...geometry, ...spec, classes, epsilon, distilled }, rng.fork(`auxiliary ${name}`), blocks),
    transformations: [],
  }
}

/**
 * Sets up the distillation of one auxiliary (method.md section 3).
 *
 * @throws when an option is unknown, a supervised position lies outside its model, or a term is refused; nothing stays allocated then
 */
export function createDistillation(ancestor: Network, spec: AuxiliarySpec, options: DistillationOptions, rng: Rng): Distillation {
  requireArguments('createDistillation', { ancestor: ['network', ancestor], spec: ['object', spec], rng: ['rng', rng] })
  requireKeys('createDistillation', options, DISTILL_OPTIONS)
  const { labelWeight = 0.1, supervision = 'dense' } = options
  const { name, network: student } = createAuxiliary(ancestor, spec, rng, options.blocks)
  const made: Parameters[] = [parametersOf(student)]
  const dispose = () => made.forEach(disposeParameters)
  try {
    const positions = supervisedPositions(supervision, spec.depth, ancestor.blocks.length)
    const widths = { student: spec.width, ancestor: ancestor.embedding.width }
    const { terms: standard, matrices } = standardTerms(positions, widths, options, rng.fork(`matrices ${name}`))
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
        const parts = terms.map((term) => mul(lossOf(term, outputs, ancestor), term.weight * (1 - labelWeight)))
        const labelled = mul(crossEntropy(outputs.logits, targets), labelWeight)
        return mean(parts.reduce<Tensor>((total, part) => add(total, part), labelled)) as Scalar
      },
      async finish() {
        const transformations = await readTransformations(matrices)
        disposeParameters(ofMatrices)
        return { name, network: student, transformations }
      },
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

export interface DistillOptions extends DistillationOptions, TrainingPlan {
  /** The ancestor's outputs; default run anew for each batch. A cached one must hold the features of {@link Distillation.ancestorFeatures}. */
  readonly teacher?: Teacher
  readonly group?: Group
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

/** Every option of {@link distill}. */
export const DISTILL_OPTIONS = keysOf<DistillOptions>({
  ...PLAN_OPTIONS,
  ...{ weights: true, temperature: true, classes: true, sides: true, trainIdentity: true },
  ...{ supervision: true, labelWeight: true, extraTerms: true, blocks: true },
  ...{ teacher: true, group: true, report: true, signal: true },
})

/**
 * Distils the ancestor into one auxiliary.
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
  const { group = alone, weightDecay } = options
  const epochs = planEpochs(options, source.length, rng.fork('batches'), group)
  await requireSound(options.teacher, source)
  const distillation = createDistillation(ancestor, spec, options, rng)
  const live = options.teacher ? undefined : liveTeacher(ancestor)
  const teacher = options.teacher ?? live!
  try {
    const losses = await train({
      parameters: distillation.parameters,
      steps: epochs.steps,
      learningRate: epochs.learningRate,
      optimizer: adamW({ weightDecay }),
      prepare: (step) => source.prepare?.(epochs.indices(step)),
      batch(step) {
        const indices = epochs.indices(step)
        const images = source.images(indices)
        return {
          images,
          targets: classTargets(source.labels(indices), ancestor.head.classes),
          ancestor: teacher(indices, images, distillation.ancestorFeatures),
        }
      },
      loss: (_step, _part, { images, targets, ancestor }) => distillation.loss(images, targets, ancestor),
      compile: { key: () => 'distillation' },
      group,
      report: options.report,
      signal: options.signal,
    })
    return { tier: await distillation.finish(), losses }
  } catch (error) {
    distillation.dispose()
    throw error
  } finally {
    live?.dispose()
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
