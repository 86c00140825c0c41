/** The backends that the suite runs on under Node, where all of them can be. */
export const NODE_BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const

/** Those that it runs on in a page; cpu is the same code there. */
export const PAGE_BACKENDS = ['webgpu', 'wasm'] as const

export type TestBackend = (typeof NODE_BACKENDS)[number]

/** Whether a backend can run here, and why not. */
export interface Availability {
  readonly name: TestBackend
  readonly reason: string | null
}

/** What the configuration tells the tests. */
declare module 'vitest' {
  interface ProvidedContext {
    /** What may not be missing: names of backends, or `chromium`. */
    readonly required: readonly string[]
    /** Where Chromium was found. */
    readonly chromium: string | null
    /** Found out once for all test files under Node; null in a page, where each file asks for itself. */
    readonly available: readonly Availability[] | null
    /** In a page: whether webgpu must be on a GPU there. */
    readonly onGpu: boolean
  }
}
