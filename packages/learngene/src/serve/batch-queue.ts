/** Work that waits for its turn, and is done in batches of one key. */
export interface BatchQueue<Item, Result> {
  /** Items that wait or are being worked on. */
  readonly length: number
  /** @throws what the batch's work threw; the signal's reason, at once. An item that waits leaves the queue then, one that is worked on stays */
  push(key: number, item: Item, signal: AbortSignal): Promise<Result>
}

interface Job<Item, Result> {
  readonly key: number
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * One batch at a time: the item that has waited longest, and the next ones of its key. Nothing waits for a batch to fill, so that a lone item is worked on at once and
 * batches grow with the load.
 *
 * @param work gives a result for each item
 */
export function batchQueue<Item, Result>(
  batchSize: number,
  work: (key: number, items: readonly Item[]) => Promise<readonly Result[]>,
): BatchQueue<Item, Result> {
  let waiting: Job<Item, Result>[] = []
  let working = 0

  const next = async (): Promise<void> => {
    const first = waiting[0]
    if (!first || working > 0) return
    const batch: Job<Item, Result>[] = []
    waiting = waiting.filter((job) => {
      if (job.key !== first.key || batch.length === batchSize) return true
      batch.push(job)
      return false
    })
    working = batch.length
    try {
      const results = await work(
        first.key,
        batch.map(({ item }) => item),
      )
      for (const [i, { resolve }] of batch.entries()) resolve(results[i]!)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      working = 0
    }
    void next()
  }

  return {
    get length() {
      return waiting.length + working
    },
    push(key, item, signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      let leave = () => {}
      const done = new Promise<Result>((resolve, reject) => {
        const job = { key, item, resolve, reject }
        leave = () => {
          waiting = waiting.filter((each) => each !== job)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(job)
      })
      void next()
      return done.finally(() => signal.removeEventListener('abort', leave))
    },
  }
}
