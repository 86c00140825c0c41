/** What a compiled step does and takes. All counts of GPU work are 0 where the backend is not WebGPU, those of recordings where it does not record. */
export interface StepStats {
  /** Of the last run; 0 after a plain one. */
  readonly dispatches: number
  /** Between buffers, of the last run: assignments, and the inputs that were on the GPU are not counted. */
  readonly copies: number
  /** Inputs of the last run that came from the host. */
  readonly uploads: number
  /** GPU buffers held for all recordings. */
  readonly buffers: number
  /** Bytes of these buffers. */
  readonly bytes: number
  /** Bytes of all tensors that a plain run of the last recording makes, none reused. */
  readonly plainBytes: number
  readonly recordings: number
  /** Times the function was called to be recorded: twice for each recording. */
  readonly captures: number
  readonly replays: number
  readonly plainRuns: number
  /** Buffers taken for outputs of earlier runs that clones still shared when the next run came; replays need no others. */
  readonly newBuffers: number
}

/** Of a step that has done nothing. */
export const NO_STATS: StepStats = {
  dispatches: 0,
  copies: 0,
  uploads: 0,
  buffers: 0,
  bytes: 0,
  plainBytes: 0,
  recordings: 0,
  captures: 0,
  replays: 0,
  plainRuns: 0,
  newBuffers: 0,
}
