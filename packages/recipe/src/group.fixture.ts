import type { Reporter } from '@learngene/interfaces'
import { createRng, type Group } from '@learngene/training'
import { diskMetrics } from './disk-metrics.js'
import { diskStore } from './disk-store.js'
import type { Stage } from './plan.js'
import { runStages, type StageOutcome } from './run-stages.js'

export interface GroupInput {
  readonly dir: string
  /** Stops `tier` after these steps. */
  readonly stopAt?: number
  /** Settings of `tier` on rank 1. */
  readonly other?: boolean
}

/** Two stages that a group runs together: what the worker threads of the tests execute. */
export function main(group: Group, { dir, stopAt, other = false }: GroupInput, report: Reporter): Promise<readonly StageOutcome[]> {
  const options = { store: diskStore(dir), metrics: diskMetrics(dir), rng: createRng(0), checkpointEvery: 2, group, report }
  return runStages([ancestor, tier(stopAt, other && group.rank === 1)], options)
}

const ancestor: Stage = {
  name: 'ancestor',
  needs: [],
  settings: {},
  // Only what rank 0 returns is kept, and the others may be long done when it returns.
  async run({ group: { rank } }) {
    if (rank === 0) await new Promise((resolve) => setTimeout(resolve, 50))
    return { files: { state: Uint8Array.of(rank) } }
  },
}

const tier = (stopAt: number | undefined, other: boolean): Stage => ({
  name: 'tier',
  needs: ['ancestor'],
  steps: 6,
  settings: { other },
  async run({ group, checkpoint, metrics, account, rng }, { ancestor }) {
    const [start] = await ancestor!.read('state')
    const state = checkpoint.last ? Float32Array.from(checkpoint.last.content) : Float32Array.of(start!)
    for (let step = (checkpoint.last?.step ?? 0) + 1; step <= 6; step++) {
      if (step - 1 === stopAt) throw new Error('interrupted')
      const mine = Float32Array.of(group.rank + rng.fork(`${step}`).integer(3))
      group.mean(mine)
      state[0]! += mine[0]! * 2
      metrics(step, { state: state[0]! })
      account.add({ images: 4 })
      if (step % checkpoint.every === 0) await checkpoint.save(Uint8Array.from(state), { step })
    }
    return { files: { state: Uint8Array.from(state) }, info: { rank: group.rank } }
  },
})
