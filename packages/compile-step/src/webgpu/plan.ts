/** When a buffer holds something: from the command that first touches it to the last that does, both included. */
export interface Lifetime {
  /** bytes */
  readonly size: number
  readonly first: number
  readonly last: number
}

export interface Plan {
  /** For each lifetime the slot it lives in: slots that exist come first, then the new ones. */
  readonly slots: readonly number[]
  /** Sizes of the slots to be made. */
  readonly newSizes: readonly number[]
}

/**
 * Puts buffers whose lifetimes do not meet into the same slots. A slot is a whole GPU buffer: parts of one buffer cannot be read and written in
 * one dispatch. Largest first, each into the smallest slot that has room; a new one has the buffer's size.
 *
 * @param existing sizes of slots that may be used as well
 */
export function planSlots(lifetimes: readonly Lifetime[], existing: readonly number[]): Plan {
  const slots = existing.map((size, index) => ({ size, index, held: [] as Lifetime[] })).sort((a, b) => a.size - b.size)
  const newSizes: number[] = []
  const chosen: number[] = new Array(lifetimes.length)
  const order = lifetimes.map((lifetime, i) => ({ lifetime, i })).sort((a, b) => b.lifetime.size - a.lifetime.size || a.i - b.i)
  for (const { lifetime, i } of order) {
    let slot = slots.find(({ size, held }) => size >= lifetime.size && held.every((other) => !overlap(other, lifetime)))
    if (!slot) {
      slot = { size: lifetime.size, index: existing.length + newSizes.length, held: [] }
      newSizes.push(lifetime.size)
      slots.splice(slots.findIndex(({ size }) => size >= lifetime.size) >>> 0, 0, slot)
    }
    slot.held.push(lifetime)
    chosen[i] = slot.index
  }
  return { slots: chosen, newSizes }
}

const overlap = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last
