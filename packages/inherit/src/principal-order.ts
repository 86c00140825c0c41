import type { Json, JsonObject } from '@learngene/interfaces'
import { describe, type Network, requireArguments } from '@learngene/vit-blocks'
import type { BlockDrop } from './block-order.js'

/** What is known of an ancestor in principal order besides its weights: sizes are chosen and cut from it alone. */
export interface PrincipalOrder {
  /**
   * By layer norm, block by block and the final one last: the share of the stream's energy in each principal direction [D - 1], which sums to 1. A tier of width
   * D_s keeps the first D_s - 1.
   */
  readonly energies: readonly (readonly number[])[]
  /** Blocks in the order in which they can go; empty where that was not asked for. */
  readonly drops: readonly BlockDrop[]
}

/** An ancestor in principal order: the same function, of which every leading part is a smaller model. */
export interface Rotated {
  readonly network: Network
  readonly order: PrincipalOrder
}

/** Share of the energy that a width keeps at a layer norm. */
export function keptAt(energies: readonly number[], width: number): number {
  const kept = energies.slice(0, width - 1).reduce((total, share) => total + share, 0)
  return width > energies.length ? 1 : Math.min(kept, 1)
}

/**
 * The mean share of the stream's energy that a width keeps over all layer norms: what a width will cost, before any work.
 *
 * @throws when the width is not a whole number from 2 to the ancestor's
 */
export function keptEnergy(order: PrincipalOrder, width: number): number {
  requireArguments('keptEnergy', { order: ['principalOrder', order] })
  const { energies } = order
  const most = energies[0]!.length + 1
  if (!Number.isInteger(width) || width < 2 || width > most) {
    throw new Error(`keptEnergy: the width must be an integer from 2 to the ancestor's, ${most}; got ${describe(width)}`)
  }
  return energies.reduce((total, place) => total + keptAt(place, width), 0) / energies.length
}

/** Under this name the order stands in the details of a model file. */
const KEY = 'principalOrder'

/** The details of a model file that holds a rotated ancestor. */
export function orderDetails(order: PrincipalOrder): JsonObject {
  requireArguments('orderDetails', { order: ['principalOrder', order] })
  const { energies, drops } = order
  return { [KEY]: { energies: energies.map((place) => [...place]), drops: drops.map(({ block, divergence }) => ({ block, divergence })) } }
}

/**
 * A rotated ancestor from what a model file held.
 *
 * @param loaded what `loadModel` gave
 * @returns undefined where the file holds an ordinary model
 * @throws when the order in it does not fit the network
 */
export function rotatedFrom(loaded: { readonly network: Network; readonly details: JsonObject }): Rotated | undefined {
  requireArguments('rotatedFrom', { loaded: ['loaded', loaded] })
  const { network, details } = loaded
  const order = details[KEY]
  if (order === undefined) return undefined
  const { energies, drops } = (typeof order === 'object' && order !== null ? order : {}) as { [key: string]: Json }
  const directions = network.embedding.width - 1
  if (!Array.isArray(energies) || energies.length === 0 || !energies.every((place) => isShares(place, directions))) {
    throw new Error(
      `${KEY}: energies must hold ${directions} numbers from 0 to 1 for each layer norm, as the model's width says; make the file again`,
    )
  }
  if (
    !Array.isArray(drops) ||
    drops.length >= network.blocks.length ||
    !drops.every((drop) => isDrop(drop, network.blocks.length)) ||
    new Set(drops.map(({ block }) => block)).size !== drops.length
  ) {
    throw new Error(
      `${KEY}: drops must name different blocks of the model's ${network.blocks.length}, not all of them, with their divergence; make the file again`,
    )
  }
  return { network, order: { energies, drops } }
}

function isShares(place: Json, length: number): place is number[] {
  return Array.isArray(place) && place.length === length && place.every((share) => typeof share === 'number' && share >= 0 && share <= 1)
}

function isDrop(drop: Json, blocks: number): drop is { readonly block: number; readonly divergence: number } {
  const { block, divergence } = (typeof drop === 'object' && drop !== null ? drop : {}) as { [key: string]: Json }
  return (
    Number.isInteger(block) &&
    (block as number) >= 0 &&
    (block as number) < blocks &&
    typeof divergence === 'number' &&
    Number.isFinite(divergence)
  )
}
