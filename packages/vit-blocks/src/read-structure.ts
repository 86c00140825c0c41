import type { Json, JsonObject } from '@learngene/interfaces'
import { activations } from '@learngene/ops'
import type { AttentionPoolConfig } from './attention-pool.js'
import { choiceIn, countIn, integerIn, numberIn } from './config.js'
import { geometryIn } from './geometry.js'
import { poolings } from './head.js'
import * as json from './json.js'
import type { BlockSpec } from './registry.js'
import type { NetworkStructure } from './structure.js'

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
