/**
 * Prepares each step while the one before it computes, one step ahead.
 *
 * @returns waits until a step is prepared, and begins with the next; to be called for each step in turn
 */
export function ahead(
  prepare: ((step: number) => Promise<unknown> | undefined) | undefined,
  steps: number,
): (step: number) => Promise<void> {
  let coming: { readonly step: number; readonly ready: Promise<unknown> } | undefined
  const begin = (step: number) => {
    const ready = Promise.resolve(prepare!(step))
    ready.catch(() => {}) // whoever waits for it gets the error
    return { step, ready }
  }
  return async (step) => {
    if (!prepare) return
    const { ready } = coming?.step === step ? coming : begin(step)
    await ready
    coming = step + 1 < steps ? begin(step + 1) : undefined
  }
}
