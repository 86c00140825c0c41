import { engine } from '@tensorflow/tfjs-core'

let count = 0
const gradients = engine().gradients.bind(engine())

engine().gradients = ((...taken: Parameters<typeof gradients>) => {
  count++
  return gradients(...taken)
}) as typeof engine.prototype.gradients

/** How often gradients were computed since the last call, which tells a test of training from one of inference. */
export function countGradients(): number {
  const counted = count
  count = 0
  return counted
}
