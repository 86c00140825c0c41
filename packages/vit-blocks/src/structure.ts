import type { Json, JsonObject, Rng } from '@learngene/interfaces'
import type { Block, BlockRegistry, Parameters } from '@learngene/interfaces/tensors'
import { activations } from '@learngene/ops'
import { choiceIn, countIn, integerIn, numberIn } from './config.js'
import { createEmbedding, type EmbeddingOptions, prefixTokensOf } from './embedding.js'
import { geometryIn, type ImageGeometry } from './geometry.js'
import { type AttentionPoolConfig, createHead, type HeadOptions, poolings } from './head.js'
import * as json from './json.js'
import type { Network } from './network.js'
import { disposeParameters } from './parameters.js'
import { SafetensorsError, type SafetensorsFile } from './safetensors/index.js'
import { createLoraStitch, createStitch } from './stitch-blocks.js'
import { createTransformerBlock } from './transformer-block.js'

/** The structure of a network without its weights. What is left out of the options is as in a plain ViT: a class token, and classification by it. */
export interface NetworkStructure extends Omit<EmbeddingOptions, 'epsilon'>, Omit<HeadOptions, 'prefixTokens'> {
  readonly geometry: ImageGeometry
  /** C; 0 where there is no classifier. */
  readonly classes: number
  /** Of the layer norms of embedding and head. */
  readonly epsilon: number
  readonly blocks: readonly BlockSpec[]
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
    blocks: blocks.map(({ kind, config }) => ({ kind, config })),
    embeddingWidth: embedding.width,
    headWidth: head.width,
    ...(!embedding.classToken && { classToken: false }),
    ...(embedding.distillationToken && { distillationToken: true }),
    ...(embedding.registerTokens > 0 && { registerTokens: embedding.registerTokens }),
    ...(embedding.embeddingNorm && { embeddingNorm: true }),
    ...(head.distillationHead && { distillationHead: true }),
    ...(head.pooling !== 'token' && { pooling: head.pooling }),
    ...(head.normAfterPooling && { normAfterPooling: true }),
    ...(head.attentionPool && { attentionPool: head.attentionPool }),
  }
}

/**
 * A network of the given structure. Nothing stays allocated when it fails.
 *
 * @param blocks factories of block kinds besides the standard ones
 * @param rng draws the weights, each part from a fork of its own; without it all random weights are zero, to be loaded
 * @throws when a block kind is unknown, a configuration is not possible, or a part takes another width than the part before it gives,
 * or a distillation head has no token
 */
export function buildNetwork(structure: NetworkStructure, blocks?: BlockRegistry, rng: Rng = zeroRng): Network {
  const made: Parameters[] = []
  const keep = <T extends { readonly parameters: Parameters }>(part: T): T => {
    made.push(part.parameters)
    return part
  }
  try {
    const { geometry, embeddingWidth, headWidth, classes, epsilon } = structure
    const network = {
      embedding: keep(createEmbedding(geometry, embeddingWidth, rng.fork('embedding'), structure)),
      blocks: structure.blocks.map((spec, i) => keep(createBlock(spec, rng.fork(`block.${i}`), blocks))),
      head: keep(createHead(headWidth, classes, rng.fork('head'), epsilon, { ...structure, prefixTokens: prefixTokensOf(structure) })),
    }
    checkWidths(network)
    checkTokens(network)
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

function checkTokens({ embedding, head }: Network): void {
  if (head.distillationHead && !embedding.distillationToken) {
    throw new Error('network: a distillation head needs the distillation token that it classifies by; the embedding has none')
  }
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

/** A block to be built: its kind's name in the registry and the factory's configuration. */
export interface BlockSpec {
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
 * @param blocks kinds besides {@link standardBlocks}; one of the same name takes precedence
 * @throws when the kind is not registered, naming those that are
 */
export function createBlock(spec: BlockSpec, rng: Rng, blocks: BlockRegistry = {}): Block {
  const factories = new Map(Object.entries({ ...standardBlocks, ...blocks }))
  const factory = factories.get(spec.kind)
  if (factory === undefined) {
    throw new Error(
      `unknown block kind '${spec.kind}'; known are ${[...factories.keys()].join(', ')}. Pass its factory: { blocks: { '${spec.kind}': factory } }`,
    )
  }
  return factory(spec.config, rng)
}

/** ViT-22B has 48. */
const mostBlocks = 512

const kindName = { pattern: /^.{1,100}$/su, words: 'the name of a block kind, of at most 100 characters' }

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
    blocks: json.list(structure.blocks, `${name}.blocks`, mostBlocks, readBlockSpec),
    embeddingWidth: integerIn(structure, 'embeddingWidth'),
    headWidth: integerIn(structure, 'headWidth'),
    ...readOptions(structure, name),
  }
}

/** Those of embedding and head that are there; whether they go together is for the parts to say. */
function readOptions(structure: JsonObject, name: string): Partial<NetworkStructure> {
  const { registerTokens, pooling, attentionPool } = structure
  return {
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
    heads: integerIn(config, 'heads'),
    mlpRatio: numberIn(config, 'mlpRatio', 4),
    ...(config.activation !== undefined && { activation: choiceIn(config, 'activation', activations, 'gelu') }),
  }
}

/** Checks a block's kind and that it has a configuration. @throws Error naming what is wrong */
export function readBlockSpec(value: unknown, name: string): BlockSpec {
  const { kind, config } = json.object(value, name)
  return { kind: json.text(kind, `${name}.kind`, kindName), config: json.object(config, `${name}.config`) }
}

function flagIn<K extends string>(value: JsonObject, key: K, name: string): { readonly [key in K]?: boolean } {
  return value[key] === undefined ? {} : ({ [key]: json.flag(value[key], `${name}.${key}`) } as { readonly [key in K]: boolean })
}

/** What a model's user must know besides its weights: how images are prepared, class names, where it comes from. */
export type ModelDetails = JsonObject

/** Safetensors metadata are strings, so all of ours is one JSON text under this key. */
const METADATA_KEY = 'learngene'

const SCHEMA = 1

/** @throws SafetensorsError when it would not be read again */
export function writeMetadata(structure: NetworkStructure, details: ModelDetails): { readonly [key: string]: string } {
  const metadata = { [METADATA_KEY]: JSON.stringify({ schema: SCHEMA, structure, details }) }
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
  const text = Object.hasOwn(file.metadata, METADATA_KEY) ? file.metadata[METADATA_KEY] : undefined
  if (text === undefined) return undefined
  try {
    const { schema, structure, cascade, details = {} } = json.object(json.parse(text), 'it')
    if (cascade !== undefined)
      throw new Error(
        'it describes a cascade of two networks: read it with loadCascade of @learngene/stitch, as the commands classify, evaluate and serve do',
      )
    if (schema !== SCHEMA) throw new Error(`its schema must be ${SCHEMA}, as this version writes it; got ${json.describe(schema)}`)
    return { structure: readStructure(structure), details: json.object(details, 'details') }
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata '${METADATA_KEY}': ${(error as Error).message}`)
  }
}
