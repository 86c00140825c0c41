import type { Budget, JsonObject } from '@learngene/interfaces'
import { accuracies, descendantsOf, distill, extractDescendant } from '@learngene/learngene-pool'
import { disposeNetwork, encodeSafetensors, forward, type Network, type PartSpec, sidesOf } from '@learngene/vit-blocks'
import { dispose } from '@tensorflow/tfjs-core'
import { chooseDescendant } from '../choose.js'
import { describeDescendants, describeStorage, evaluationMacs, headsOf, sizeOf } from '../describe.js'
import type { Stage, StageContext, StageInputs } from '../plan.js'
import type { SettledRecipe } from '../recipe.js'
import type { ComparisonRow, RunReport } from '../report.js'
import { EVALUATION_BATCH, MODEL, type RunAncestor, type Session } from '../session.js'
import type { Artifact } from '../store.js'
import { withPool } from './family.js'
import { comparesFeatures, decodeTier, logitsOnly, tierLabel } from './tiers.js'
import { controlOf, planOf, settingsOf } from './training.js'

/** The file with `images` [B, height, width, channels] of the test split and the chosen descendant's `logits` of them, as it gives them inside the pool. */
export const COMPARED = 'compared.safetensors'

const VERIFIED_IMAGES = 64

/** The part of a report that the stages know. */
export type FoundReport = Omit<
  RunReport,
  'schema' | 'command' | 'version' | 'seed' | 'backend' | 'workers' | 'config' | 'times' | 'choice'
> & {
  readonly choice: Omit<RunReport['choice'], 'logitDifference' | 'file'>
}

/** The narrowest tier from random weights beside the inherited one, and the best descendant under the budget, with all that a report says. */
export function choiceStages(session: Session, data: string, top: string): Stage[] {
  const { recipe } = session
  const { budget = {}, budgets, baseline, tiers } = recipe
  const narrowest = `tier:${tierLabel(tiers[0]!)}`
  const compares = baseline && tiers[0]!.epochs > 0 && recipe.start === 'inherit'
  const { distillation } = recipe
  return [
    ...(compares
      ? [
          {
            name: 'baseline',
            title: 'for comparison: the narrowest tier from random weights',
            needs: [top, narrowest],
            settings: settingsOf({ distillation, tier: tiers[0]!, labelWeight: recipe.labelWeight, seed: recipe.seed }),
            fingerprints: { data },
            run: (context: StageContext, inputs: StageInputs) => trainBaseline(context, session, inputs, top),
          },
        ]
      : []),
    {
      name: 'choose',
      title: 'choose a descendant under the budget',
      needs: [
        top,
        ...tiers.flatMap((tier) => [...(recipe.start === 'inherit' ? [`inherit:${tierLabel(tier)}`] : []), `tier:${tierLabel(tier)}`]),
        ...PARTS,
        ...(compares ? ['baseline'] : []),
      ],
      settings: { budget: budget as JsonObject, budgets: [...budgets] },
      run: (_, inputs) => choose(session, inputs, top),
    },
  ]
}

const PARTS = ['pool', 'preview', 'tune', 'evaluate']

async function trainBaseline(context: StageContext, session: Session, inputs: StageInputs, top: string) {
  const { recipe, group, rng } = session
  const { distillation } = recipe
  const { labelWeight = recipe.labelWeight } = distillation
  const [{ width, depth, heads, epochs }] = recipe.tiers as [SettledRecipe['tiers'][number]]
  const ancestor = await session.ancestor(inputs[top]!)
  const { network } = ancestor
  const images = session.images(ancestor)
  const teacher = await session.teacher(ancestor, context.report, comparesFeatures(recipe))
  const block = await blockOf(inputs[`tier:${tierLabel(recipe.tiers[0]!)}`]!, session)
  const spec = { width, depth: depth ?? network.blocks.length, heads: heads ?? headsOf(network), name: 'random', block: () => block }
  const control = await controlOf(context, { batchSize: distillation.batchSize, trained: network })
  const plan = {
    ...planOf(distillation, images.validation),
    epochs,
    labelWeight,
    weights: distillation.weights ?? logitsOnly,
    teacher,
    parts: recipe.registry,
    ...control,
  }
  const { tier } = await distill(network, spec, images.augmented, { ...plan, start: 'random' }, rng.fork('random start'))
  try {
    const [testAccuracy] = await accuracies([tier.network], images.test, { batchSize: EVALUATION_BATCH, group })
    const row: ComparisonRow = {
      name: `width ${width} from random weights`,
      macs: sizeOf(tier.network).macs,
      testAccuracy: testAccuracy!,
      note: `distilled for the steps of ${tierLabel(recipe.tiers[0]!)}`,
    }
    return { files: {}, info: row as unknown as JsonObject }
  } finally {
    disposeNetwork(tier.network)
  }
}

/** What the blocks of a stored tier are. */
async function blockOf(artifact: Artifact, session: Session): Promise<PartSpec> {
  const { network } = await decodeTier(artifact, session)
  const { kind, config } = network.blocks[0]!
  disposeNetwork(network)
  return { kind, config }
}

function choose(session: Session, inputs: StageInputs, top: string) {
  const { recipe, datasets } = session
  return withPool(session, inputs, top, 'tune', async (pool, ancestor) => {
    const paths = [...pool.space.enumerate()]
    const networks = descendantsOf(pool, paths)
    const { validation, test: tested } = inputs.evaluate!.info as unknown as { validation: number[]; test: number[] }
    const { test: untrained } = inputs.preview!.info as unknown as { test: number[] }
    const descendants = describeDescendants(pool, paths, { validation, tested, untrained })
    const within = (budget: Budget) => chooseDescendant(descendants, budget, (row) => row.validationAccuracy)
    const { chosen, runnerUp, whyRunnerUpLost } = await within(recipe.budget ?? {})
    const least = Math.min(...descendants.map(({ macs }) => macs))
    const choices = await Promise.all(
      recipe.budgets
        .filter((macs) => macs >= least)
        .map(async (macs) => {
          const { value } = (await within({ macs })).chosen
          return { budget: { macs }, path: value.path, macs: value.macs, testAccuracy: value.testAccuracy }
        }),
    )
    const alone = (name: string) => paths.findIndex(({ path }) => path.segments.length === 1 && path.segments[0]!.tier === name)
    const inherits = recipe.tiers.map((tier) => inputs[`inherit:${tierLabel(tier)}`]?.info as unknown as Inherited | undefined)
    const losses = recipe.tiers.map((tier) => inputs[`tier:${tierLabel(tier)}`]!.info)
    const found: FoundReport = {
      images: { training: datasets.training.length, validation: datasets.validation.length, test: datasets.test.length },
      ancestor: {
        ...sizeOf(ancestor.network),
        width: ancestor.network.embedding.width,
        depth: ancestor.network.blocks.length,
        testAccuracy: recipe.ancestorTier ? untrained[alone(pool.tiers.at(-1)!.name)]! : await accuracyOfAncestor(session, ancestor),
      },
      auxiliaries: pool.tiers.map(({ name, network, standsFor = [] }, i) => ({
        name,
        width: network.embedding.width,
        depth: network.blocks.length,
        heads: headsOf(network),
        ...sizeOf(network),
        start: recipe.tiers[i] ? recipe.start : 'ancestor',
        standsFor,
        keptEnergy: inherits[i]?.kept ?? (recipe.tiers[i] ? 0 : 1),
        untrainedAccuracy: untrained[alone(name)]!,
        ...((losses[i] ?? { steps: 0, firstLoss: null, lastLoss: null }) as {
          steps: number
          firstLoss: number | null
          lastLoss: number | null
        }),
      })),
      inheriting: { images: recipe.calibrationImages, energies: inherits[0]?.energies ?? [] },
      initialisers: { images: recipe.comparisonImages, rows: inputs.pool!.info.rows as unknown as RunReport['initialisers']['rows'] },
      fineTuning: { ...inputs.tune!.info, initialiser: recipe.initialisers[0]! } as unknown as RunReport['fineTuning'],
      descendants,
      comparison: inputs.baseline ? [inputs.baseline.info as unknown as ComparisonRow] : [],
      choices,
      evaluation: evaluationMacs(networks),
      storage: describeStorage(pool, paths, ancestor.network, recipe.registry),
      choice: {
        budget: (recipe.budget ?? {}) as { [measure: string]: number },
        path: chosen.key,
        runnerUp: runnerUp?.key ?? null,
        why: whyRunnerUpLost,
        comparedImages: comparedImages(session, ancestor.network),
      },
    }
    const compared = await firstOutputs(session, ancestor, networks[chosen.value.id]!)
    const files = {
      [MODEL]: await extractDescendant(pool, paths[chosen.value.id]!),
      [COMPARED]: compared,
    }
    return { files, info: found as unknown as JsonObject }
  })
}

/** What an inheriting stage says of its tier. */
type Inherited = { readonly kept: number; readonly energies: RunReport['inheriting']['energies'] }

async function accuracyOfAncestor(session: Session, ancestor: RunAncestor): Promise<number> {
  const [accuracy] = await accuracies([ancestor.network], session.images(ancestor).test, { batchSize: EVALUATION_BATCH })
  return accuracy!
}

/** How many test images are compared: fewer where they are large. */
function comparedImages({ datasets }: Session, { embedding }: Network): number {
  const [height, width] = sidesOf(embedding.geometry.imageSize)
  return Math.max(1, Math.min(VERIFIED_IMAGES, datasets.test.length, Math.floor(2e6 / (height * width * embedding.geometry.channels))))
}

/** The first test images as tensors, and a network's logits of them, as a safetensors file. */
async function firstOutputs(session: Session, ancestor: RunAncestor, network: Network): Promise<Uint8Array> {
  const { test } = session.images(ancestor)
  const indices = Uint32Array.from({ length: comparedImages(session, network) }, (_, i) => i)
  const { images, targets } = await test.batch(indices)
  const { logits } = forward(network, images)
  const [pixels, values] = [await images.data<'float32'>(), await logits.data<'float32'>()]
  dispose([images, targets, logits])
  return encodeSafetensors([
    { name: 'images', shape: images.shape, data: pixels.slice() },
    { name: 'logits', shape: logits.shape, data: values.slice() },
  ])
}
