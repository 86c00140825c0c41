import type { Json } from '@learngene/interfaces'
import { integerIn, numberIn } from './config.js'
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
    geometry: {
      imageSize: integerIn(geometry, 'imageSize'),
      patchSize: integerIn(geometry, 'patchSize'),
      channels: integerIn(geometry, 'channels'),
    },
    classes: integerIn(structure, 'classes'),
    epsilon: numberIn(structure, 'epsilon'),
    blocks: json.list(structure.blocks, `${name}.blocks`, mostBlocks, readBlockSpec),
    embeddingWidth: integerIn(structure, 'embeddingWidth'),
    headWidth: integerIn(structure, 'headWidth'),
    ...flagIn(structure, 'distillationToken', name),
    ...flagIn(structure, 'distillationHead', name),
  }
}

/** Checks a block's kind and that it has a configuration. @throws Error naming what is wrong */
export function readBlockSpec(value: unknown, name: string): BlockSpec {
  const { kind, config } = json.object(value, name)
  return { kind: json.text(kind, `${name}.kind`, kindName), config: json.object(config, `${name}.config`) }
}

function flagIn<K extends string>(value: { readonly [key: string]: unknown }, key: K, name: string): { readonly [key in K]?: true } {
  return value[key] !== undefined && json.flag(value[key], `${name}.${key}`) ? ({ [key]: true } as { readonly [key in K]: true }) : {}
}
