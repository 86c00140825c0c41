import type { Stage } from './plan.js'

/**
 * Six stages that depend on each other as those of a real recipe do and do little but write. Each trains some numbers, so that a wrong
 * step, draw or input changes all that follows.
 */
export function killableStages(): Stage[] {
  return [
    training('ancestor', []),
    training('features', ['ancestor']),
    training('tier:w192', ['features']),
    training('tier:w384', ['features']),
    training('pool', ['tier:w192', 'tier:w384']),
    training('tune', ['pool', 'ancestor']),
  ]
}

const steps = 5
const length = 100_000
/** Of an artifact besides its state, so that writing it takes a while. */
const parts = 15

function training(name: string, needs: readonly string[]): Stage {
  return {
    name,
    needs,
    steps,
    settings: { steps, length },
    async run({ checkpoint, metrics, account, rng }, inputs) {
      const start = (): Float64Array => new Float64Array(length).fill(needs.length)
      const state = checkpoint.last ? new Float64Array(checkpoint.last.content.slice().buffer) : start()
      if (!checkpoint.last) {
        for (const input of Object.values(inputs)) {
          const theirs = new Float64Array((await input.read('state')).slice().buffer)
          for (let i = 0; i < length; i++) state[i]! += theirs[i]! / 3
        }
      }
      for (let step = (checkpoint.last?.step ?? 0) + 1; step <= steps; step++) {
        const draw = rng.fork(`step ${step}`).uniform()
        for (let i = 0; i < length; i++) state[i] = Math.fround(state[i]! * 0.9 + draw * (i % 7))
        account.add({ images: 8, macs: length })
        metrics(step, { mean: state.reduce((sum, value) => sum + value, 0) / length })
        if (step % checkpoint.every === 0) await checkpoint.save(new Uint8Array(state.buffer), { step })
      }
      const bytes = new Uint8Array(state.buffer)
      const part = (i: number) => [`parts/${i}`, bytes.slice(i * 1000, (i + 1) * 1000)]
      const files = { state: bytes, ...Object.fromEntries(Array.from({ length: parts }, (_, i) => part(i))) }
      return { files, info: { last: state[length - 1]! } }
    },
  }
}
