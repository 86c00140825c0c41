import type { Reporter } from '@learngene/interfaces'
import type { Group } from './group.js'
import { createRng } from './rng.js'

type Program = (group: Group, report: Reporter) => unknown
type Input = { readonly program: string }

/** Runs one of the programs below: what the worker threads of the tests execute. */
export const main = (group: Group, { program }: Input, report: Reporter): unknown => programs[program]!(group, report)

const never = new Int32Array(new SharedArrayBuffer(4))
const forEver = () => void Atomics.wait(never, 0, 0)
const spin = (milliseconds: number) => {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

const programs: { readonly [name: string]: Program } = {
  rank: ({ rank, size }) => ({ rank, size }),

  /** Every member's results of all collective calls, on rank 0. */
  async collect(group) {
    const rng = createRng(0).fork(`rank ${group.rank}`)
    const results: { mean: number[]; sum: number[]; long: boolean }[] = []
    for (const length of [0, 1, 5, 300_000]) {
      const mean = Float32Array.from({ length }, () => rng.uniform() - 0.5)
      const sum = Float64Array.from({ length }, () => rng.uniform() - 0.5)
      group.mean(mean)
      group.sum(sum)
      const all = new Float64Array(await group.share(`all ${length}`, group.size * length * 16))
      all.set(mean, group.rank * length * 2)
      all.set(sum, (group.rank * 2 + 1) * length)
      group.barrier()
      const same = Array.from({ length: group.size }, (_, member) =>
        Buffer.from(all.buffer, member * length * 16, length * 16).equals(Buffer.from(all.buffer, 0, length * 16)),
      )
      results.push({ mean: [...mean.subarray(-5)], sum: [...sum.subarray(-5)], long: same.every(Boolean) })
    }
    return results
  },

  /** Members that come at different times, many times over. */
  race(group) {
    const total = Float64Array.of(0)
    for (let round = 0; round < 2000; round++) {
      if (round % 200 === group.rank) spin(2)
      const value = Float64Array.of(round * (group.rank + 1))
      group.sum(value)
      total[0]! += value[0]!
      if (round % 3 === 0) group.barrier()
    }
    return total[0]
  },

  train: async (group, report) => (await import('./training.fixture.js')).trainRegression(group, report),

  report(group, report) {
    if (group.rank > 0) report({ kind: 'message', text: 'not from rank 0' })
    report({ kind: 'stage', name: 'first', total: 1000 })
    for (let done = 1; done <= 1000; done++) report({ kind: 'progress', done, total: 1000 })
    for (let i = 0; i < 20; i++) report({ kind: 'message', text: `message ${i}` })
  },

  throw(group) {
    if (group.rank === 1) throw new RangeError('the images are too small')
    forEver()
  },
  exit(group) {
    if (group.rank === 1) process.exit(0)
    group.barrier()
  },
  memory(group) {
    if (group.rank === 0) forEver()
    const hoard: number[][] = []
    for (;;) hoard.push(new Array(1e5).fill(1.5))
  },
  async stuck(group) {
    if (group.rank === 0) await new Promise(() => {})
    group.barrier()
  },
  leave(group) {
    if (group.rank === 0) group.mean(new Float32Array(3))
  },
  lengths: (group) => group.mean(new Float32Array(3 + group.rank)),
  calls: (group) => (group.rank === 0 ? group.mean(new Float32Array(3)) : group.barrier()),
  shares: (group) => group.share('x', 8 + group.rank),
  unsendable: () => () => {},
  hang(group, report) {
    report({ kind: 'message', text: 'hanging' })
    if (group.rank === 0) forEver()
    group.barrier()
  },
}
