/** Lets work in as long as it is together within a limit, in the order in which it comes. */
export interface Gate {
  /** @param size at most the limit @throws the signal's reason, while it waits */
  run<T>(size: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export function gate(limit: number): Gate {
  let inside = 0
  let waiting: { readonly size: number; enter(): void }[] = []
  const admit = () => {
    for (let next = waiting[0]; next && inside + next.size <= limit; next = waiting[0]) {
      waiting.shift()
      inside += next.size
      next.enter()
    }
  }
  const entry = (size: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => {
        waiting = waiting.filter((each) => each !== one)
        reject(signal.reason)
        admit()
      }
      const one = {
        size,
        enter() {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(one)
      admit()
    })
  return {
    async run(size, signal, work) {
      await entry(size, signal)
      try {
        return await work()
      } finally {
        inside -= size
        admit()
      }
    },
  }
}
