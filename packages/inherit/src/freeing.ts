import { dispose, type Tensor } from '@tensorflow/tfjs-core'

/** Notes a tensor to be freed and returns it. */
export type Keep = <T extends Tensor>(tensor: T) => T

/** `tidy` for functions that wait: frees the tensors that `run` handed to `keep`, also where it throws. Those freed before are passed over. */
export async function freeing<T>(run: (keep: Keep) => Promise<T>): Promise<T> {
  const kept: Tensor[] = []
  try {
    return await run((tensor) => {
      kept.push(tensor)
      return tensor
    })
  } finally {
    dispose(kept)
  }
}
