import type { Reporter } from '@learngene/interfaces'

/**
 * Reports a transfer: the stage when it starts, then bytes done of all, at most a hundred times.
 *
 * @param before bytes that an earlier transfer left
 * @returns to be called with the number of bytes that came
 */
export function fetchProgress(report: Reporter | undefined, name: string, total: number, before = 0): (bytes: number) => void {
  report?.({ kind: 'stage', name, total })
  let done = before
  let reported = before
  return (bytes) => {
    done += bytes
    if (done < total && done - reported < total / 100) return
    reported = done
    report?.({ kind: 'progress', done: Math.min(done, total), total })
  }
}
