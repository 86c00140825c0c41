/** What did not fit, in bytes. */
export interface MemoryShortage {
  /** Of all buffers that were asked for together and for which there was none. */
  readonly bytes: number
  /** Of all buffers that there were, those asked for with them included. */
  readonly heldBytes: number
}

/** A GPU's memory is full. */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError'

  constructor(
    readonly shortage: MemoryShortage,
    advice = 'take a smaller batch',
  ) {
    super(
      `the GPU is out of memory: ${megabytes(shortage.bytes)} more do not fit beside ${megabytes(shortage.heldBytes)} in use; ${advice}`,
    )
  }
}

/**
 * The error of a step, with the batch at hand and one that would fit where memory was too little; any other as it is.
 *
 * @param batch images of the step
 * @param fixedBytes what does not depend on the batch, such as parameters, their moments and gradients
 */
export function nameBatch(error: unknown, batch: number, fixedBytes = 0): unknown {
  if (!(error instanceof Error) || error.name !== 'OutOfMemoryError') return error
  const { shortage } = error as OutOfMemoryError
  const fitting = fittingBatch(shortage, batch, fixedBytes)
  const advice = fitting === 0 ? 'no batch fits, take a smaller model' : `a batch of ${fitting} would fit`
  return Object.assign(new OutOfMemoryError(shortage, `the batch is ${batch} images: ${advice}`), { cause: error })
}

/**
 * The images for which there was room: memory was `heldBytes`, of which all but the fixed part grows with the batch. As the step had not come to its end a quarter is left
 * free, and at most half of the batch is promised.
 */
function fittingBatch({ bytes, heldBytes }: MemoryShortage, batch: number, fixedBytes: number): number {
  const share = Math.max(0, heldBytes - fixedBytes) / Math.max(heldBytes + bytes - fixedBytes, 1)
  return Math.min(Math.floor(batch / 2), Math.floor(0.75 * share * batch))
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
