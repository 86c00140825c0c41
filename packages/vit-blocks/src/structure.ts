import type { Json, JsonObject, Rng } from '@learngene/interfaces'
import type { Block, BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { activations } from '@learngene/ops'
import { choiceIn, countIn, integerIn, numberIn } from './config.js'
import { createEmbedding, type Embedding, type EmbeddingFactory, type EmbeddingOptions, projectedEmbedding } from './embedding.js'
import { geometryIn, type ImageGeometry } from './geometry.js'
import { type AttentionPoolConfig, createHead, type HeadFactory, type HeadOptions, type HeadPlace, poolings } from './head.js'
import * as json from './json.js'
import type { Network } from './network.js'
import { disposeParameters } from './parameters.js'
import { SafetensorsError, type SafetensorsFile } from './safetensors/index.js'
import { createLoraStitch, createStitch } from './stitch-blocks.js'
import { createTransformerBlock } from './transformer-block.js'

/** Factories of parts of one's own, by kind; one of a standard kind's name takes its place. */
export interface PartRegistry {
  /** Blocks, and stitches, which are blocks. */
  readonly blocks?: BlockRegistry
  readonly embeddings?: { readonly [kind: string]: EmbeddingFactory }
  readonly heads?: { readonly [kind: string]: HeadFactory }
}

/**
 * The structure of a network without its weights. Options of the standard embedding and head stand in it flat; what is left out of them is as in a plain ViT: a class token, and
 * classification by it.
 */
export interface NetworkStructure extends Omit<EmbeddingOptions, 'epsilon' | 'read'>, Omit<HeadOptions, 'prefixTokens' | 'read'> {
  readonly geometry: ImageGeometry
  /** C; 0 where there is no classifier. */
  readonly classes: number
  /** Of the layer norms of embedding and head. */
  readonly epsilon: number
  readonly blocks: readonly PartSpec[]
  /** Kind and configuration of an embedding of one's own, in place of the standard one. */
  readonly embedding?: PartSpec
  /** D_e, where the embedding is of this width and a linear map leads to `embeddingWidth`. */
  readonly projectedFrom?: number
  /** Kind and configuration of a head of one's own, in place of the standard one. */
  readonly head?: PartSpec
  /** Width of the embedding, which is block 0's input. */
  readonly embeddingWidth: number
  /** Width of the head, which is the last block's output. */
  readonly headWidth: number
}

export function structureOf({ embedding, blocks, head }: Network): NetworkStructure {
  return {
    geometry: embedding.geometry,
    classes: head.classes,
    epsilon: head.epsilon,
    blocks: blocks.map(specOf),
    embeddingWidth: embedding.width,
    headWidth: head.width,
    ...(embedding.kind === standardEmbedding ? embedding.config : { embedding: specOf(embedding) }),
    ...(embedding.projectedFrom && { projectedFrom: embedding.projectedFrom }),
    ...(head.kind === standardHead ? head.config : { head: specOf(head) }),
  }
}

const specOf = ({ kind, config }: PartSpec): PartSpec => ({ kind, config })

/**
 * A network of the given structure. Nothing stays allocated when it fails.
 *
 * @param parts factories of kinds besides the standard ones
 * @param rng draws the weights, each part from a fork of its own; without it all random weights are zero, to be loaded
 * @throws when a kind is unknown, a configuration is not possible, or a part takes another width than the part before it gives,
 * or a distillation head has no token
 */
export function buildNetwork(structure: NetworkStructure, parts: PartRegistry = {}, rng: Rng = zeroRng): Network {
  const made: Parameters[] = []
  const keep = <T extends { readonly parameters: Parameters }>(part: T): T => {
    made.push(part.parameters)
    return part
  }
  try {
    const embedding = embeddingOf(structure, parts, rng, keep)
    const blocks = structure.blocks.map((spec, i) => keep(createBlock(spec, rng.fork(`block.${i}`), parts)))
    const { classes, headWidth: width, epsilon } = structure
    const head = keep(headOf(structure, { width, classes, epsilon, prefixTokens: embedding.prefixTokens }, parts, rng.fork('head')))
    const network = { embedding, blocks, head }
    checkWidths(network)
    return network
  } catch (error) {
    for (const parameters of made) disposeParameters(parameters)
    throw error
  }
}

function checkWidths({ embedding, blocks, head }: Network): void {
  let width = embedding.width
  let giver = 'the embedding'
  const check = (taker: string, takes: number) => {
    if (takes !== width) throw new Error(`network: ${taker} must take the width ${width} that ${giver} gives; it takes ${takes}`)
  }
  for (const [i, { kind, inputWidth, outputWidth }] of blocks.entries()) {
    check(`block ${i} ('${kind}')`, inputWidth)
    width = outputWidth
    giver = `block ${i} ('${kind}')`
  }
  check('the head', head.width)
}

const standardEmbedding = 'patches'
const standardHead = 'linear'

function embeddingOf(
  structure: NetworkStructure,
  { embeddings = {} }: PartRegistry,
  rng: Rng,
  keep: <T extends Embedding>(part: T) => T,
): Embedding {
  const { geometry, embedding: spec, embeddingWidth, projectedFrom } = structure
  const place = { geometry, width: projectedFrom ?? embeddingWidth }
  const standard: EmbeddingFactory = (_, { width }, rng) => createEmbedding(geometry, width, rng, structure)
  const factory = spec === undefined ? standard : factoryOf('embedding', 'embeddings', spec.kind, embeddings)
  const embedding = keep(factory(spec?.config ?? {}, place, rng.fork('embedding')))
  if (embedding.width !== place.width)
    throw new Error(
      `network: the embedding '${embedding.kind}' must be of the width ${place.width} that it was asked for; it is of ${embedding.width}`,
    )
  return projectedFrom === undefined ? embedding : keep(projectedEmbedding(embedding, embeddingWidth, rng.fork('embedding projection')))
}

function headOf(structure: NetworkStructure, place: HeadPlace, { heads = {} }: PartRegistry, rng: Rng) {
  const { head: spec, distillationHead = false, distillationToken = false, embedding } = structure
  if (spec !== undefined) return factoryOf('head', 'heads', spec.kind, heads)(spec.config, place, rng)
  if (distillationHead && !distillationToken && embedding === undefined) {
    throw new Error('network: a distillation head needs the distillation token that it classifies by; the embedding has none')
  }
  return createHead(place.width, place.classes, rng, place.epsilon, { ...structure, prefixTokens: place.prefixTokens })
}

function factoryOf<F>(what: string, option: keyof PartRegistry, kind: string, registry: { readonly [kind: string]: F }): F {
  if (Object.hasOwn(registry, kind)) return registry[kind]!
  const known = Object.keys(registry).join(', ') || 'none'
  throw new Error(`unknown ${what} kind '${kind}'; known are ${known}. Pass its factory: { parts: { ${option}: { '${kind}': factory } } }`)
}

/** Draws the head's weights as `rng` does, and no others. */
export function onlyHead(rng: Rng): Rng {
  return { ...zeroRng, fork: (label) => (label === 'head' ? rng.fork(label) : zeroRng) }
}

/** Draws nothing: the values are about to be replaced. */
const zeroRng: Rng = {
  uniform: () => 0,
  normal: () => 0,
  integer: () => 0,
  permutation: (length) => Uint32Array.from({ length }, (_, i) => i),
  fork: () => zeroRng,
}

/** A part to be built: its kind's name in the registry and the factory's configuration. */
export interface PartSpec {
  readonly kind: string
  readonly config: JsonObject
}

/** The block kinds that every file may name: the encoder block of ViT, and what joins the blocks of a descendant. */
export const standardBlocks: BlockRegistry = {
  transformer: createTransformerBlock,
  stitch: createStitch,
  loraStitch: createLoraStitch,
}

/**
 * Builds a block by its kind.
 *
 * @param parts kinds besides {@link standardBlocks}; one of the same name takes precedence
 * @throws when the kind is not registered, naming those that are
 */
export function createBlock({ kind, config }: PartSpec, rng: Rng, { blocks }: PartRegistry = {}): Block {
  return factoryOf('block', 'blocks', kind, { ...standardBlocks, ...blocks })(config, rng)
}

/** ViT-22B has 48. */
const mostBlocks = 512

const kindName = { pattern: /^.{1,100}$/su, words: 'the name of a kind, of at most 100 characters' }

/**
 * Checks a structure that a file describes, whole and before anything is made of it. Keys that this version does not know are left out.
 *
 * @param name what messages call it
 * @throws Error of the first value that a structure cannot have. Whether a block kind exists and its configuration is possible, `buildNetwork` says.
 */
export function readStructure(value: Json | undefined, name = 'structure'): NetworkStructure {
  const structure = json.object(value, name)
  const geometry = json.object(structure.geometry, `${name}.geometry`)
  return {
    geometry: geometryIn(geometry),
    classes: countIn(structure, 'classes'),
    epsilon: numberIn(structure, 'epsilon'),
    blocks: json.list(structure.blocks, `${name}.blocks`, mostBlocks, readPartSpec),
    embeddingWidth: integerIn(structure, 'embeddingWidth'),
    headWidth: integerIn(structure, 'headWidth'),
    ...readOptions(structure, name),
  }
}

/** Those of embedding and head that are there; whether they go together is for the parts to say. */
function readOptions(structure: JsonObject, name: string): Partial<NetworkStructure> {
  const { registerTokens, pooling, attentionPool, embedding, projectedFrom, head } = structure
  return {
    ...(embedding !== undefined && { embedding: readPartSpec(embedding, `${name}.embedding`) }),
    ...(projectedFrom !== undefined && { projectedFrom: integerIn(structure, 'projectedFrom') }),
    ...(head !== undefined && { head: readPartSpec(head, `${name}.head`) }),
    ...flagIn(structure, 'classToken', name),
    ...flagIn(structure, 'distillationToken', name),
    ...(registerTokens !== undefined && { registerTokens: countIn(structure, 'registerTokens') }),
    ...flagIn(structure, 'embeddingNorm', name),
    ...flagIn(structure, 'distillationHead', name),
    ...(pooling !== undefined && { pooling: choiceIn(structure, 'pooling', poolings, 'token') }),
    ...flagIn(structure, 'normAfterPooling', name),
    ...(attentionPool !== undefined && { attentionPool: readAttentionPool(json.object(attentionPool, `${name}.attentionPool`)) }),
  }
}

function readAttentionPool(config: JsonObject): AttentionPoolConfig {
  return {
    ...(config.width !== undefined && { width: integerIn(config, 'width') }),
    heads: integerIn(config, 'heads'),
    mlpRatio: numberIn(config, 'mlpRatio', 4),
    ...(config.activation !== undefined && { activation: choiceIn(config, 'activation', activations, 'gelu') }),
  }
}

/** Checks a part's kind and that it has a configuration. @throws Error naming what is wrong */
export function readPartSpec(value: unknown, name: string): PartSpec {
  const { kind, config } = json.object(value, name)
  return { kind: json.text(kind, `${name}.kind`, kindName), config: json.object(config, `${name}.config`) }
}

function flagIn<K extends string>(value: JsonObject, key: K, name: string): { readonly [key in K]?: boolean } {
  return value[key] === undefined ? {} : ({ [key]: json.flag(value[key], `${name}.${key}`) } as { readonly [key in K]: boolean })
}

/** What a model's user must know besides its weights: how images are prepared, class names, where it comes from. */
export type ModelDetails = JsonObject

/** Safetensors metadata are strings, so all of ours is one JSON text under this key. */
export const METADATA_KEY = 'learngene'

const SCHEMA = 1

/** @throws SafetensorsError when it would not be read again */
export function writeMetadata(structure: NetworkStructure, details: ModelDetails): { readonly [key: string]: string } {
  const metadata = ownMetadata({ structure, details })
  readMetadata({ name: 'the model', metadata })
  return metadata
}

/**
 * Structure and details of a file of ours, undefined for a file of others.
 *
 * @throws SafetensorsError when they are not as this version writes them
 */
export function readMetadata(
  file: Pick<SafetensorsFile, 'name' | 'metadata'>,
): { structure: NetworkStructure; details: ModelDetails } | undefined {
  return readOwnMetadata(file, ({ structure, cascade, details = {} }) => {
    if (cascade !== undefined)
      throw new Error(
        'it describes a cascade of two networks: read it with loadCascade of @learngene/stitch, as the commands classify, evaluate and serve do',
      )
    return { structure: readStructure(structure), details: json.object(details, 'details') }
  })
}

/** Metadata of a file of ours. */
export const ownMetadata = (content: object): { readonly [key: string]: string } => ({
  [METADATA_KEY]: JSON.stringify({ schema: SCHEMA, ...content }),
})

/**
 * What `read` makes of a file's {@link ownMetadata}, undefined for a file of others.
 *
 * @throws SafetensorsError when they are not as this version writes them, or `read` throws
 */
export function readOwnMetadata<T>(file: Pick<SafetensorsFile, 'name' | 'metadata'>, read: (content: JsonObject) => T): T | undefined {
  const text = Object.hasOwn(file.metadata, METADATA_KEY) ? file.metadata[METADATA_KEY] : undefined
  if (text === undefined) return undefined
  try {
    const content = json.object(json.parse(text), 'it')
    const { schema } = content
    if (schema !== SCHEMA) throw new Error(`its schema must be ${SCHEMA}, as this version writes it; got ${json.describe(schema)}`)
    return read(content)
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata '${METADATA_KEY}': ${(error as Error).message}`)
  }
}
