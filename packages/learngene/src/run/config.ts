import type { DistillOptions, Lessons } from '@learngene/learngene-pool'
import type { RecipeData, Registry } from '@learngene/recipe'
import type { SpaceSpec } from '@learngene/stitch'
import type { PartSpec } from '@learngene/vit-blocks'
import { z } from 'zod'

const positive = z.number().positive()
const count = z.int().positive()
const share = z.number().min(0).max(1)

/** A function of the user's own, in a configuration that is a module. */
const ownFunction = <T>() => z.custom<T>((value) => typeof value === 'function', 'must be a function')

/** A part that is taken whole, as its other keys belong to its kind: none of a default of another kind may stay. */
const ofKind = <T extends { readonly kind: string }>(is: string) =>
  z.custom<T>((value) => typeof (value as T | null)?.kind === 'string' && !Array.isArray(value), is)

const partSpec = ofKind<PartSpec>('must be { kind, config }').refine(
  (value) => typeof value?.config === 'object' && value.config !== null && Object.keys(value).length === 2,
  'must be { kind, config }',
)

/** The images of a run. */
export type NamedDatasets = Pick<RecipeData, 'training' | 'validation' | 'test'>

const training = z.strictObject({
  epochs: z.number().nonnegative(),
  /** Images per step over all workers. */
  batchSize: count,
  learningRate: positive,
  weightDecay: z.number().nonnegative().optional(),
  warmupEpochs: z.number().nonnegative().optional(),
  clipNorm: positive.optional(),
  /** Parts that a batch is split into where memory has no room for it. */
  accumulate: count.optional(),
  /** Decay of an exponential average of the weights. */
  averageDecay: share.optional(),
  /** Of its matrix products; `mixed` needs a GPU with units for float16. */
  precision: z.enum(['float32', 'mixed']).optional(),
  /** Epochs between two evaluations on validation images. */
  validateEpochs: positive.optional(),
  /** Ends early after so many evaluations without a better one. */
  patience: count.optional(),
})

const tier = z.strictObject({
  width: count,
  /** Default the ancestor's: which blocks stay is measured. */
  depth: count.optional(),
  /** Default the ancestor's. */
  heads: count.optional(),
  /** Epochs of its distillation; a tier of none stays as it was cut. */
  epochs: z.number().nonnegative(),
  learningRate: positive.optional(),
})

const size = z.tuple([count, count])

/** All that a run does: the contents of its run.json, but for functions, which stay in the module that `configFile` names. */
export const runConfig = z.strictObject({
  /** 'embedded', 'train', a file or folder, or hf:owner/name. */
  ancestor: z.string().min(1),
  /** Of an ancestor that is trained here. */
  model: z
    .strictObject({
      width: count,
      depth: count,
      heads: count,
      patchSize: count,
      imageSize: size,
      channels: z.union([z.literal(1), z.literal(3)]),
      /** Kind of its blocks, of `registry.blocks`; the factory gets `width` and `heads` beside `config`. */
      block: partSpec.optional(),
      /** Kinds of its embedding and head, of `registry.embeddings` and `registry.heads`; each factory is told its place. */
      embedding: partSpec.optional(),
      head: partSpec.optional(),
      training,
    })
    .optional(),
  /** Folders with a subfolder for each class, or 'embedded'. Parts that are not given are held out from the training images. */
  images: z.strictObject({
    training: z.string().min(1),
    validation: z.string().min(1).optional(),
    test: z.string().min(1).optional(),
    /** Of the classes, where no list is given: as timm's or as torchvision's. */
    order: z.enum(['natural', 'codeUnits']).optional(),
    classes: z.union([z.string(), z.array(z.string())]).optional(),
    skipUnreadable: z.boolean().optional(),
    exifOrientation: z.boolean().optional(),
    validationImages: positive.optional(),
    testImages: positive.optional(),
    trainingImages: count.optional(),
    memoryLimit: z.number().nonnegative().optional(),
  }),
  /** Of training images; see `Augmentation` of @learngene/datasets. */
  augmentation: z.record(z.string(), z.unknown()).optional(),
  adaptation: z.strictObject({ head: training, whole: training }).optional(),
  tiers: z.array(tier).min(1),
  /** Of tiers: cut out of the ancestor, the default, or random weights. */
  start: z.enum(['inherit', 'random']).optional(),
  /** Whether the ancestor is a tier of the pool; default true. */
  ancestorTier: z.boolean().optional(),
  calibrationImages: count,
  distillation: training.omit({ epochs: true }).extend({
    weights: z.strictObject({ logit: z.number().optional(), block: z.number().optional(), attn: z.number().optional() }).optional(),
    /** Which blocks are taught. */
    supervision: z.enum(['every', 'dense', 'last']).optional(),
    temperature: positive.optional(),
    /** Which way the matrices map that are trained along; the initialisers 'paper' and 'pinv' need those of the teacher's side. */
    sides: z
      .array(z.enum(['student', 'teacher']))
      .min(1)
      .optional(),
    /** Default the one of all. */
    labelWeight: share.optional(),
    /** Terms of the user's own. */
    extraTerms: ownFunction<NonNullable<DistillOptions['extraTerms']>>().optional(),
  }),
  labelWeight: share,
  /** Of a standard kind, or of one of `registry.spaces`. */
  space: ofKind<SpaceSpec>('must be an object with a kind'),
  /** What the stitches are: a standard kind, or one of `registry.blocks`. */
  stitch: partSpec.optional(),
  initialisers: z.array(z.string()).min(1),
  featureImages: count,
  comparisonImages: count,
  heldOutImages: count,
  fineTuning: training.extend({
    /** In place of the labels' and the ancestor's cross entropy. */
    loss: ownFunction<NonNullable<Lessons['loss']>>().optional(),
    /** What that loss compares besides logits, by the names of features: `pooled`, `norm`, `block.3`. */
    features: z.strictObject({ student: z.array(z.string()).optional(), ancestor: z.array(z.string()).optional() }).optional(),
    /** Default the one of all. */
    labelWeight: share.optional(),
    /** The ancestor's probabilities, the default, or its decisions. */
    targets: z.enum(['soft', 'hard']).optional(),
    /** How a step draws its path. */
    paths: z.enum(['costBins', 'uniform']).optional(),
  }),
  /** One network whose leading widths are a family, for comparison. */
  nested: training
    .extend({
      widths: z.array(count).min(1),
      start: z.enum(['inherit', 'random']).optional(),
      sizesPerStep: count.optional(),
      labelWeight: share.optional(),
    })
    .optional(),
  baseline: z.boolean(),
  /** Hard caps that the chosen descendant keeps. */
  budget: z.record(z.string(), positive),
  /** MACs under which the report names the best descendant besides. */
  budgets: z.array(positive),
  /** Datasets of one's own: a function that gives { training, validation?, test? }. */
  data: ownFunction<() => NamedDatasets | Promise<NamedDatasets>>().optional(),
  /** Blocks, embeddings, heads, kinds, spaces and initialisers of the user's own, by the names that the others call them. */
  registry: z.custom<Registry>((value) => typeof value === 'object' && value !== null, 'must be an object').optional(),
})

/** What is read before the rest of a configuration is settled; any of it may come from elsewhere. */
export const namedInputs = z.strictObject({
  ancestor: runConfig.shape.ancestor.optional(),
  images: runConfig.shape.images.partial().optional(),
  data: runConfig.shape.data,
})

export type RunConfig = z.infer<typeof runConfig>

/** What stays the same whatever the images and the ancestor are. */
export const runDefaults = {
  calibrationImages: 128,
  labelWeight: 0.2,
  space: { kind: 'aligned', stride: 3 } as SpaceSpec,
  initialisers: ['ridge', 'learned'],
  featureImages: 64,
  comparisonImages: 200,
  heldOutImages: 64,
  baseline: false,
  budget: {},
  budgets: [],
} satisfies Partial<RunConfig>
