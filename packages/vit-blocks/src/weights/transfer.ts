import type { Reporter } from '@learngene/interfaces'

/** How often and how patiently something that may fail for a moment is tried again. */
export interface RetryOptions {
  /** Attempts after the first; default 4. */
  readonly retries?: number
  /** Milliseconds before the first of them, doubled before each next; default 500. */
  readonly retryDelay?: number
  /** Ends waiting and reading. */
  readonly signal?: AbortSignal
}

/** An error that trying again will not mend. */
export class PermanentError extends Error {
  override name = 'Error'
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed once more often than it may be retried.
 *
 * @param passes whether an error may pass; default all but {@link PermanentError}
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
  passes: (error: unknown) => boolean = (error) => !(error instanceof PermanentError),
): Promise<T> {
  const { retries = 4, retryDelay = 500, signal } = options
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      if (!passes(error) || failures >= retries) throw error
      await wait(retryDelay * 2 ** failures, signal)
    }
  }
}

/** Resolves after the given milliseconds; rejects with the signal's reason as soon as that aborts. */
export function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

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
