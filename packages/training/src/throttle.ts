import type { Reporter } from '@learngene/interfaces'

/** Passes stages and messages on at once, and progress at most every `interval` milliseconds and when all is done. */
export function throttle(report: Reporter, interval: number): Reporter {
  let last = Number.NEGATIVE_INFINITY
  return (event) => {
    if (event.kind === 'progress' && event.done < event.total) {
      const now = performance.now()
      if (now - last < interval) return
      last = now
    }
    report(event)
  }
}
