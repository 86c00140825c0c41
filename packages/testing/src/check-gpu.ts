import { neg, scalar } from '@tensorflow/tfjs-core'

/** Waits for all commands given to the webgpu backend; throws the error that one of them ended with, which nothing else reports. */
export async function checkGpu(): Promise<void> {
  await neg(scalar(0)).data()
}
