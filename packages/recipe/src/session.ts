import { channelStatistics, imageSource, inChannels, preprocessingOf, split, splitBalanced } from '@learngene/datasets'
import type { Dataset, JsonObject, Preprocessing, Reporter, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import {
  type ChunkStore,
  cachedTeacher,
  type Inheritance,
  inheritTiers,
  liveTeacher,
  openInheritance,
  type Teacher,
} from '@learngene/learngene-pool'
import type { Tier } from '@learngene/stitch'
import { createRng, type Group } from '@learngene/training'
import { disposeNetwork, type LoadedModel, loadModel, type Network, sidesOf } from '@learngene/vit-blocks'
import { sha256 } from './canonical-json.js'
import { requireFamily } from './feasible.js'
import type { SettledRecipe } from './recipe.js'
import type { Artifact } from './store.js'

/** The images of a run: disjoint parts of what the recipe gives. */
export interface RunDatasets {
  readonly training: Dataset
  readonly validation: Dataset
  readonly test: Dataset
}

/** The images as the ancestor takes them. */
export interface RunImages {
  readonly training: ImageSource
  /** The training images with their augmentation; the same where there is none. */
  readonly augmented: ImageSource
  readonly validation: ImageSource
  readonly test: ImageSource
}

/** The ancestor of a run, loaded. */
export interface RunAncestor extends RunModel {
  /** Of the artifact that it is. */
  readonly key: string
}

/** A network and how its images are prepared. */
export interface RunModel {
  readonly network: Network
  readonly details: JsonObject
}

/** Images that a network sees at a time where nothing is trained. */
export const EVALUATION_BATCH = 50

/**
 * What the stages of one run share in one process, each computed when the first asks for it, from the recipe and the artifacts that the stage was given. Nothing here is stored: all of it
 * comes out the same whenever it is computed.
 */
export interface Session {
  readonly recipe: SettledRecipe
  readonly group: Group
  /** Of the whole run: the seed's. */
  readonly rng: Rng
  readonly datasets: RunDatasets
  ancestor(artifact: Artifact): Promise<RunAncestor>
  /** As a network takes them. */
  images(model: RunModel): RunImages
  /** What tiers are cut from; freed with all that is here. */
  inheritance(ancestor: RunAncestor, report: Reporter, signal?: AbortSignal): Promise<Inheritance>
  /** Tiers as they are cut out of the ancestor, by their place in the recipe: all, or the one that is wanted; freed with all that is here. */
  inherited(ancestor: RunAncestor, report: Reporter, signal?: AbortSignal): Promise<ReadonlyMap<number, Tier>>
  /**
   * The ancestor's answers to the training images: its logits, kept. For features, and where images are augmented, it is run anew for each batch.
   *
   * @param features whether every batch asks for some, so that logits alone need not be kept; default false
   */
  teacher(ancestor: RunAncestor, report: Reporter, features?: boolean): Promise<Teacher>
  dispose(): void
}

/** Where a process keeps the ancestor's answers; see `featureFolder` of the pool's package. */
export interface SessionOptions {
  readonly group: Group
  /** @param key changes with the ancestor and the images */
  readonly answers?: (key: string) => ChunkStore
  /** The place of the only tier that this session cuts; default all, which the members of a group share among them. */
  readonly tier?: number
}

export function openSession(recipe: SettledRecipe, { group, answers, tier }: SessionOptions): Session {
  const rng = createRng(recipe.seed)
  const freed: (() => void)[] = []
  let ancestor: { readonly key: string; readonly loaded: Promise<RunAncestor> } | undefined
  const images = new Map<string, RunImages>()
  let inheritance: Promise<Inheritance> | undefined
  let inherited: ReturnType<Session['inherited']> | undefined
  const teachers = new Map<'live' | 'cached', Promise<Teacher>>()
  return {
    recipe,
    group,
    rng,
    datasets: splitData(recipe, rng),
    async ancestor(artifact) {
      const { key } = artifact.manifest
      if (ancestor?.key !== key) {
        const loaded = readAncestor(artifact, recipe)
        ancestor = { key, loaded }
        const { network } = await loaded
        freed.push(() => disposeNetwork(network))
      }
      return ancestor.loaded
    },
    images({ network, details }) {
      const preparation = preparationOf(network, details)
      const key = JSON.stringify(preparation)
      const made = images.get(key) ?? imagesOf(recipe, this.datasets, preparation)
      images.set(key, made)
      return made
    },
    inheritance(ancestor, report, signal) {
      inheritance ??= inheritanceOf(this, ancestor, report, signal).then((result) => {
        freed.push(() => result.dispose())
        return result
      })
      return inheritance
    },
    inherited(ancestor, report, signal) {
      const places = tier === undefined ? [...recipe.tiers.keys()] : [tier]
      inherited ??= inheritThose(this, places, ancestor, report, signal).then((tiers) => {
        for (const { network } of tiers) freed.push(() => disposeNetwork(network))
        return new Map(tiers.map((each, i) => [places[i]!, each]))
      })
      return inherited
    },
    teacher(ancestor, report, features = false) {
      const { training, augmented } = this.images(ancestor)
      const kind = augmented.augmented || features ? 'live' : 'cached'
      const make = async () => {
        const live = liveTeacher(ancestor.network)
        freed.push(live.dispose)
        return kind === 'live' ? live : orLive(await cached(ancestor, this.datasets.training, training, { group, answers, report }), live)
      }
      const teacher = teachers.get(kind) ?? make()
      teachers.set(kind, teacher)
      return teacher
    },
    dispose() {
      for (const free of freed) free()
      freed.length = 0
    },
  }
}

async function readAncestor(artifact: Artifact, recipe: SettledRecipe): Promise<RunAncestor> {
  const { network, details }: LoadedModel = await loadModel(await artifact.source(MODEL), {
    name: 'ancestor',
    parts: recipe.registry,
  })
  const isTop = artifact.stage === (recipe.adaptation ? 'adapt' : 'ancestor')
  try {
    if (isTop) await requireFamily(network, recipe)
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
  return { network, details, key: artifact.manifest.key }
}

/** The file of an artifact that holds a model. */
export const MODEL = 'model.safetensors'

/** Logits as they are kept; where features are asked for, all of them from a teacher that computes. */
function orLive(kept: Teacher, live: Teacher): Teacher {
  const which = (features: readonly string[]) => (features.length > 0 ? live : kept)
  const teacher: Teacher = (indices, images, features) => which(features)(indices, images, features)
  const prepare: Teacher['prepare'] = async (images, features) => which(features).prepare?.(images, features)
  return Object.assign(teacher, { prepare, source: kept.source })
}

async function cached(
  { network, key }: RunAncestor,
  dataset: Dataset,
  source: ImageSource,
  { group, answers, report }: SessionOptions & { readonly report: Reporter },
): Promise<Teacher> {
  report({ kind: 'message', text: "the ancestor's answers to the training images" })
  return cachedTeacher(network, [], source, {
    batchSize: EVALUATION_BATCH,
    store: answers?.((await sha256(`${key} ${await dataset.fingerprint()}`)).slice(0, 16)),
    group,
    report,
    onBatch: (done, total) => report({ kind: 'progress', done, total }),
  })
}

/** Parts that are not given are held out from the training images: as many of each class where the number allows it, else each class's share. */
function splitData({ data }: SettledRecipe, rng: Rng): RunDatasets {
  const hold = (from: Dataset, amount: number, label: string) => {
    const draw = rng.fork(label)
    try {
      if (amount < 1) return split(from, { share: amount }, draw)
      const balanced = from.classes.length > 0 && amount % from.classes.length === 0
      return balanced ? splitBalanced(from, amount, draw) : split(from, { count: amount }, draw)
    } catch (error) {
      throw new Error(
        `${label} images cannot be held out of the ${from.length} that are left: ${(error as Error).message}; give more images, or those for ${label} by themselves`,
        { cause: error },
      )
    }
  }
  let training = data.training
  const part = (given: Dataset | undefined, amount: number, label: string) => {
    if (given) return given
    const [held, rest] = hold(training, amount, label)
    training = rest
    return held
  }
  const test = part(data.test, data.testImages ?? 0.1, 'test')
  const validation = part(data.validation, data.validationImages ?? 0.1, 'validation')
  if (data.trainingImages !== undefined) training = hold(training, data.trainingImages, 'training')[0]
  return { training, validation, test }
}

/** @throws Error where the model does not say how its images are prepared */
export function preparationOf(network: Network, details: JsonObject): Preprocessing {
  return preprocessingOf(details, sidesOf(network.embedding.geometry.imageSize))
}

function imagesOf({ data }: SettledRecipe, datasets: RunDatasets, preparation: Preprocessing): RunImages {
  const { memoryLimit, augmentation } = data
  const { training, validation, test } = datasets
  const plain = imageSource(training, preparation, { memoryLimit })
  return {
    training: plain,
    augmented: augmentation ? imageSource(training, preparation, { memoryLimit, augment: augmentation }) : plain,
    validation: imageSource(validation, preparation, { memoryLimit }),
    test: imageSource(test, preparation, { memoryLimit }),
  }
}

async function inheritanceOf({ recipe, rng, ...session }: Session, ancestor: RunAncestor, report: Reporter, signal?: AbortSignal) {
  const { network } = ancestor
  const { training } = session.images(ancestor)
  const { tiers: plans, calibrationImages, registry } = recipe
  const indices = rng.fork('calibration images').permutation(training.length).slice(0, calibrationImages)
  const blockOrder = plans.some(({ depth = network.blocks.length }) => depth < network.blocks.length)
  return openInheritance(network, training, { indices, blockOrder, report, signal, parts: registry, kinds: registry?.kinds })
}

async function inheritThose(session: Session, places: readonly number[], ancestor: RunAncestor, report: Reporter, signal?: AbortSignal) {
  const { tiers: plans, registry } = session.recipe
  const from = await session.inheritance(ancestor, report, signal)
  const specs = places.map((place) => plans[place]!).map(({ width, depth, heads }) => ({ width, depth, heads }))
  const options = { from, group: session.group, report, signal, parts: registry, kinds: registry?.kinds }
  return inheritTiers(ancestor.network, specs, session.images(ancestor).training, options)
}

/** How a new ViT's images are prepared: brought to its size, normalised by the statistics of the training images. */
export async function ownPreparation(training: Dataset, size: readonly [number, number], channels: number): Promise<Preprocessing> {
  const { mean, std } = await channelStatistics({
    ...training,
    picture: async (index, signal) => inChannels(await training.picture(index, signal), channels),
  })
  return { size, crop: 'center', cropPct: 1, interpolation: 'bicubic', mean, std }
}
