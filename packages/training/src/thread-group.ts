import type { Group } from './group.js'

/** Shared memory of a group of threads, made by who starts them. */
export interface GroupMemory {
  readonly control: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
}

/** Int32 words of `control`. */
const arrived = 0
const generation = 1
/** Changes whenever waiting members should look again. */
const signal = 2
const ended = 3

/** A slot is what one member hands over at a time: which call it makes, how long its array is, and a chunk of its values. */
const headerBytes = 16
const chunkBytes = 2 ** 20
const slotBytes = headerBytes + chunkBytes

const calls = ['', 'barrier', 'mean', 'sum'] as const
type Values = Float32Array | Float64Array
type Call = Exclude<(typeof calls)[number], ''>

/**
 * Two slots for each member, used in turn, so that one barrier per chunk is enough: whoever comes to write a slot again has passed the
 * barrier that all came to after reading it.
 */
export function groupMemory(size: number): GroupMemory {
  return { control: new SharedArrayBuffer(16), slots: new SharedArrayBuffer(2 * size * slotBytes) }
}

/** Tells the waiting members that one of them has ended, so that they fail rather than wait for ever. */
export function leaveGroup({ control }: GroupMemory, rank: number): void {
  const words = new Int32Array(control)
  Atomics.store(words, ended, rank + 1)
  wake(words)
}

/**
 * One member's view of a group of threads with common memory. Sums are taken in the order of ranks in float64, so all members get the same
 * bits. Waiting blocks the thread.
 *
 * @param share asks whoever started the threads for memory
 */
export function threadGroup(rank: number, size: number, memory: GroupMemory, share: Group['share']): Group {
  const words = new Int32Array(memory.control)
  let turn = 0

  function meet(call: Call): void {
    const before = Atomics.load(words, generation)
    if (Atomics.add(words, arrived, 1) === size - 1) {
      Atomics.store(words, arrived, 0)
      Atomics.add(words, generation, 1)
      wake(words)
      return
    }
    for (;;) {
      const seen = Atomics.load(words, signal)
      if (Atomics.load(words, generation) !== before) return
      const gone = Atomics.load(words, ended)
      if (gone > 0) {
        throw new Error(`Group: all workers must make the same calls; worker ${rank} waits in ${call} but worker ${gone - 1} has ended`)
      }
      Atomics.wait(words, signal, seen)
    }
  }

  /** Hands over one chunk and waits for those of the others; returns all of them in the order of ranks. */
  function exchange(call: Call, length: number, chunk: Values): Values[] {
    turn = 1 - turn
    const slots = Array.from({ length: size }, (_, member) => slotAt(memory.slots, (turn * size + member) * slotBytes, chunk))
    slots[rank]!.header.set([calls.indexOf(call), length])
    slots[rank]!.values.set(chunk)
    meet(call)
    slots.forEach(({ header: [otherCall, otherLength] }, member) => {
      if (calls[otherCall!] === call && otherLength === length) return
      throw new Error(
        `Group: all workers must make the same calls with equal lengths; worker ${rank} called ${call} with ${length} values, worker ${member} ${calls[otherCall!]} with ${otherLength}`,
      )
    })
    return slots.map(({ values }) => values)
  }

  function combine(call: Call, values: Values, factor: number): void {
    const perChunk = chunkBytes / values.BYTES_PER_ELEMENT
    for (let start = 0; start === 0 || start < values.length; start += perChunk) {
      const chunk = values.subarray(start, start + perChunk)
      const theirs = exchange(call, values.length, chunk)
      if (size === 2) addPair(chunk, theirs as [Values, Values], factor)
      else addAll(chunk, theirs, factor)
    }
  }

  return {
    rank,
    size,
    mean: (values) => combine('mean', values, 1 / size),
    sum: (values) => combine('sum', values, 1),
    barrier: () => {
      exchange('barrier', 0, new Float32Array(0))
    },
    share,
  }
}

/** Two members are the common case; one pass over the memory is several times as fast as one for each. */
function addPair(result: Values, [a, b]: readonly [Values, Values], factor: number): void {
  for (let i = 0; i < result.length; i++) result[i] = (a[i]! + b[i]!) * factor
}

function addAll(result: Values, terms: readonly Values[], factor: number): void {
  const totals = new Float64Array(result.length)
  for (const term of terms) {
    for (let i = 0; i < result.length; i++) totals[i]! += term[i]!
  }
  for (let i = 0; i < result.length; i++) result[i] = totals[i]! * factor
}

function slotAt(slots: SharedArrayBuffer, offset: number, like: Values): { header: Float64Array; values: Values } {
  const header = new Float64Array(slots, offset, 2)
  if (like instanceof Float32Array) return { header, values: new Float32Array(slots, offset + headerBytes, like.length) }
  return { header, values: new Float64Array(slots, offset + headerBytes, like.length) }
}

function wake(words: Int32Array): void {
  Atomics.add(words, signal, 1)
  Atomics.notify(words, signal)
}
