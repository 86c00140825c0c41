import { classTargets, crossEntropy } from '@learngene/ops'
import { Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { sameShape, shapeError } from './checks.js'

/**
 * Cross entropy with the true labels: -sum_c q_c log softmax(z)_c. Gradient to the logits only.
 *
 * @param logits z [B, C]
 * @param labels B class indices as numbers, or target probabilities q [B, C] as mixup and label smoothing make them
 * @returns [B], in nats
 * @throws when there is not one label or one row of probabilities for each row of logits, or a label is no class
 */
export function labelTarget(logits: Tensor, labels: ArrayLike<number> | Tensor): Tensor1D {
  if (logits.rank !== 2) throw shapeError('labelTarget', 'logits must be [B, C]', { logits })
  const [examples, classes] = logits.shape as [number, number]
  if (labels instanceof Tensor) {
    if (!sameShape(logits, labels)) {
      const fix = 'give class indices as an array of numbers'
      throw shapeError('labelTarget', `a tensor of target probabilities must be [B, C] like the logits; ${fix}`, { logits, labels })
    }
    return crossEntropy(logits as Tensor2D, labels as Tensor2D)
  }
  if (labels.length !== examples) {
    throw new Error(`labelTarget: there must be one label for each of the ${examples} rows of logits; got ${labels.length} labels`)
  }
  return tidy(() => crossEntropy(logits as Tensor2D, classTargets(labels, classes)))
}
