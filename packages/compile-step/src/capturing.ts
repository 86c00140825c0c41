const capturing = new WeakSet<object>()

/** True while a step is being recorded on the backend. */
export const isCapturing = (backend: object): boolean => capturing.has(backend)

/** Calls a function while {@link isCapturing} is true of the backend. */
export function whileCapturing<T>(backend: object, run: () => T): T {
  capturing.add(backend)
  try {
    return run()
  } finally {
    capturing.delete(backend)
  }
}
