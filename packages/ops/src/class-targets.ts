import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core'

/**
 * Class indices as target probabilities [B, C]: 1 - smoothing + smoothing / C for the label, smoothing / C for the others
 * (label smoothing: Szegedy et al. 2016, arXiv 1512.00567).
 *
 * @throws when a label is not a class
 */
export function classTargets(labels: ArrayLike<number>, classes: number, smoothing = 0): Tensor2D {
  const values = new Float32Array(labels.length * classes).fill(smoothing / classes)
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new Error(`classTargets: labels must be integers from 0 to ${classes - 1}; label ${i} is ${label}`)
    }
    values[i * classes + label]! += 1 - smoothing
  }
  return tensor2d(values, [labels.length, classes])
}
