/** A command that was asked for wrongly: an unknown flag or configuration key, a malformed value. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What is said about an error: its message on one line. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  return message.trim().replaceAll(/\s*\n\s*/g, ' ')
}

/** Runs `action`; what it throws becomes a {@link UsageError}, because its only input is what the user typed. */
export function asUsage<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error })
  }
}
