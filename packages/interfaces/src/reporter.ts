/** One thing that happened during a long computation. */
export type ReportEvent =
  /** `done`: what of it an earlier run did, where it goes on. */
  | { readonly kind: 'stage'; readonly name: string; readonly total?: number; readonly done?: number }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly metrics?: { readonly [name: string]: number } }
  | { readonly kind: 'message'; readonly text: string }

/** Receives progress: a terminal bar, plain lines, JSONL. Must not throw. */
export type Reporter = (event: ReportEvent) => void
