import type { JsonObject, Rng } from '@learngene/interfaces'
import { trainNetwork } from '@learngene/learngene-pool'
import {
  buildNetwork,
  copyParameters,
  createViT,
  disposeNetwork,
  type LoadedModel,
  loadModel,
  type Network,
  parametersOf,
  saveModel,
  structureOf,
  withoutWeights,
} from '@learngene/vit-blocks'
import { requireFamily } from '../feasible.js'
import type { Stage, StageContext } from '../plan.js'
import type { Adaptation, GivenAncestor, Registry, TrainedAncestor, Training } from '../recipe.js'
import { MODEL, ownPreparation, preparationOf, type Session } from '../session.js'
import { augmentationOf, controlOf, ownOf, planOf, settingsOf } from './training.js'

/** The ancestor as a model file: read, or trained here from random weights. */
export function ancestorStage(session: Session, data: string): Stage {
  const { ancestor, seed } = session.recipe
  if ('load' in ancestor) return givenStage(session, ancestor)
  const { training: plan, ...shape } = ancestor
  return {
    name: 'ancestor',
    title: 'train the ancestor',
    needs: [],
    settings: settingsOf({
      ...shape,
      plan,
      seed,
      augmentation: augmentationOf(session),
      ...ownOf(session.recipe.registry?.blocks, shape.block?.kind),
      ...ownOf(session.recipe.registry?.embeddings, shape.embedding?.kind, 'ownEmbedding'),
      ...ownOf(session.recipe.registry?.heads, shape.head?.kind, 'ownHead'),
    }),
    fingerprints: { data },
    run: (context) => trainAncestor(context, session, ancestor),
  }
}

function givenStage({ recipe }: Session, { name, fingerprint, load }: GivenAncestor): Stage {
  return {
    name: 'ancestor',
    title: `load ${name}`,
    needs: [],
    settings: {},
    fingerprints: { ancestor: fingerprint },
    async run({ report }) {
      const { network, details, notes }: LoadedModel = await load()
      try {
        for (const text of notes) report({ kind: 'message', text })
        preparationOf(network, details)
        const { classes } = recipe.data.training
        if (!recipe.adaptation) requireClasses(name, network, details, classes)
        const known = knows(network, details, classes)
        const headed = () => buildNetwork({ ...structureOf(network), classes: classes.length }, recipe.registry)
        await requireFamily(known ? network : withoutWeights(headed), recipe)
        return { files: { [MODEL]: await saveModel(network, { details }) } }
      } finally {
        disposeNetwork(network)
      }
    },
  }
}

/** Whether a model tells the classes of the images apart, in their order. */
function knows(network: Network, { classNames }: JsonObject, classes: readonly string[]): boolean {
  if (classes.length === 0) return true
  const names = Array.isArray(classNames) ? classNames : undefined
  return network.head.classes === classes.length && (names === undefined || names.join('\n') === classes.join('\n'))
}

function requireClasses(name: string, network: Network, details: JsonObject, classes: readonly string[]): void {
  if (knows(network, details, classes)) return
  throw new Error(
    `${name} must tell the ${classes.length} classes of the images apart (${classes.slice(0, 3).join(', ')}${classes.length > 3 ? ', …' : ''}); it has ${network.head.classes} of its own: give the recipe an adaptation`,
  )
}

async function trainAncestor(context: StageContext, session: Session, { training: plan, ...shape }: TrainedAncestor) {
  const { recipe, rng, datasets } = session
  const { classes } = datasets.training
  if (classes.length < 2) throw new Error(`an ancestor is trained to tell classes apart; the images show ${classes.length}`)
  const preprocessing = await ownPreparation(datasets.training, shape.imageSize, shape.channels)
  const details = { preprocessing, classNames: classes }
  const network = untrainedAncestor(shape, classes.length, rng.fork('ancestor'), recipe.registry)
  try {
    await requireFamily(network, recipe)
    await trainWhole(context, session, { network, details, plan, label: 'train ancestor' })
    return {
      files: { [MODEL]: await saveModel(network, { details: details as unknown as JsonObject }) },
      info: { trained: true, seed: recipe.seed },
    }
  } finally {
    disposeNetwork(network)
  }
}

/** An ancestor as its training begins, of random weights. */
export function untrainedAncestor(shape: Omit<TrainedAncestor, 'training'>, classes: number, rng: Rng, registry?: Registry): Network {
  const { imageSize, patchSize, channels, width, depth, heads, block, embedding, head } = shape
  const size = imageSize[0] === imageSize[1] ? imageSize[0] : imageSize
  const sizes = { imageSize: size, patchSize, channels, width, depth, heads, classes, embedding, head }
  const own = block && { block: () => ({ ...block, config: { ...block.config, width, heads } }) }
  return createViT({ ...sizes, ...own }, rng, registry)
}

interface WholeTraining {
  readonly network: Network
  readonly details: object
  readonly plan: Training & { readonly epochs: number }
  readonly label: string
}

async function trainWhole(context: StageContext, session: Session, { network, details, plan, label }: WholeTraining): Promise<void> {
  const images = session.images({ network, details: details as JsonObject })
  const control = await controlOf(context, { batchSize: plan.batchSize, trained: network })
  await trainNetwork(network, images.augmented, { ...planOf(plan, images.validation), ...control }, session.rng.fork(label))
}

/** The ancestor with a head for the classes of the images: a fresh one, trained alone at first; the ancestor itself where it tells them apart already. */
export function adaptStages(session: Session, data: string, { head, whole }: Adaptation): Stage[] {
  const { seed } = session.recipe
  const augmentation = augmentationOf(session)
  return [
    {
      name: 'head',
      title: 'train a head for the classes of the images',
      needs: ['ancestor'],
      settings: { head, seed, augmentation } as unknown as JsonObject,
      fingerprints: { data },
      async run(context, inputs) {
        const { network, details } = await session.ancestor(inputs.ancestor!)
        const { classes } = session.datasets.training
        if (knows(network, details, classes)) return { files: { [MODEL]: await inputs.ancestor!.read(MODEL) }, info: { adapted: false } }
        const own = { ...details, preprocessing: preparationOf(network, details), classNames: classes } as unknown as JsonObject
        const fresh = withHead(network, classes.length, session)
        try {
          const images = session.images({ network: fresh, details: own })
          const control = await controlOf(context, { batchSize: head.batchSize, trained: fresh, passes: 1 })
          const plan = { ...planOf(head, images.validation), ...control, parameters: classifierOf(fresh) }
          await trainNetwork(fresh, images.augmented, plan, session.rng.fork('head'))
          return { files: { [MODEL]: await saveModel(fresh, { details: own }) }, info: { adapted: true } }
        } finally {
          disposeNetwork(fresh)
        }
      },
    },
    {
      name: 'adapt',
      title: 'adapt the ancestor to the images',
      needs: ['head'],
      settings: { whole, seed, augmentation } as unknown as JsonObject,
      fingerprints: { data },
      async run(context, inputs) {
        const bytes = await inputs.head!.read(MODEL)
        if (!inputs.head!.info.adapted || whole.epochs === 0) return { files: { [MODEL]: bytes }, info: inputs.head!.info }
        const { network, details } = await loadModel(bytes, {
          name: 'the model with its new head',
          parts: session.recipe.registry,
        })
        try {
          await trainWhole(context, session, { network, details, plan: whole, label: 'adapt' })
          return { files: { [MODEL]: await saveModel(network, { details }) }, info: { adapted: true } }
        } finally {
          disposeNetwork(network)
        }
      },
    },
  ]
}

/** A copy of a network with a fresh classifier. */
function withHead(network: Network, classes: number, { recipe, rng }: Session): Network {
  const fresh = buildNetwork({ ...structureOf(network), classes }, recipe.registry, rng.fork('fresh head'))
  const kept = Object.entries(parametersOf(fresh)).filter(([name]) => !fresh.head.classifier.includes(name))
  copyParameters(parametersOf(network), Object.fromEntries(kept))
  return fresh
}

/** What a head is trained of alone. */
export const classifierOf = ({ head }: Network) => Object.fromEntries(head.classifier.map((name) => [name, head.parameters[name]!]))
