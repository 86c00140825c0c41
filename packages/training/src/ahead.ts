import { dispose } from '@tensorflow/tfjs-core'

/** What each step of a training needs, made one step ahead. */
export interface Ahead<Prepared> {
  /** What was prepared for a step, and begins with the next; to be called for each step in turn. Its tensors become the caller's. */
  next(step: number): Promise<Prepared>
  /** Frees what nobody took. */
  dispose(): void
}

/** Prepares each step while the one before it computes. */
export function ahead<Prepared>(prepare: ((step: number) => Promise<Prepared>) | undefined, steps: number): Ahead<Prepared> {
  let coming: { readonly step: number; readonly ready: Promise<Prepared> } | undefined
  let over = false
  const begin = (step: number) => {
    const ready = Promise.resolve(prepare!(step))
    ready.catch(() => {}) // whoever waits for it gets the error
    return { step, ready }
  }
  return {
    async next(step) {
      if (!prepare) return undefined as Prepared
      const { ready } = coming?.step === step ? coming : begin(step)
      coming = undefined
      const prepared = await ready
      if (step + 1 < steps && !over) coming = begin(step + 1)
      return prepared
    },
    dispose() {
      over = true
      coming?.ready.then((prepared) => dispose(prepared as never), () => {}) // biome-ignore format: short
      coming = undefined
    },
  }
}
