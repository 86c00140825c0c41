/** Work that can be repeated step by step. */
export interface Work {
  /** Calls `onStep` after each step, when its result (the loss, the logits) has been read. */
  run(steps: number, onStep: () => void): Promise<void>
}
