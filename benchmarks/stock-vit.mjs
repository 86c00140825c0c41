import * as tf from '@tensorflow/tfjs-core'

/** A ViT's training step as TensorFlow.js offers it: its own operations, their gradients, `tf.train.adam`. What our step is measured against. */
export function stockStep({ imageSize, patchSize, channels, width, depth, heads, classes }, images, targets) {
  const batch = images.shape[0]
  const side = imageSize / patchSize
  const tokens = side * side + 1
  const weights = (...shape) => tf.variable(tf.randomNormal(shape, 0, 0.02, 'float32', 1))
  const affine = (inputs, outputs) => ({ weight: weights(inputs, outputs), bias: weights(outputs) })
  const norm = () => ({ gamma: tf.variable(tf.ones([width])), beta: tf.variable(tf.zeros([width])) })
  const embed = affine(patchSize * patchSize * channels, width)
  const [classToken, positions] = [weights(1, 1, width), weights(1, tokens, width)]
  const blocks = Array.from({ length: depth }, () => ({
    norm1: norm(),
    qkv: affine(width, 3 * width),
    proj: affine(width, width),
    norm2: norm(),
    fc1: affine(width, 4 * width),
    fc2: affine(4 * width, width),
  }))
  const [last, head] = [norm(), affine(width, classes)]

  const linear = (x, { weight, bias }) => tf.add(tf.matMul(x, weight), bias)
  const layerNorm = (x, { gamma, beta }) => {
    const centred = tf.sub(x, tf.mean(x, -1, true))
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6))), gamma), beta)
  }
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))
  const attention = (qkv) => {
    const parts = tf.unstack(tf.transpose(tf.reshape(qkv, [batch, tokens, 3, width]), [2, 0, 1, 3]))
    const [q, k, v] = parts.map((part) => tf.transpose(tf.reshape(part, [batch, tokens, heads, width / heads]), [0, 2, 1, 3])) // [B, H, N, Dh]
    const probabilities = tf.softmax(tf.mul(tf.matMul(q, k, false, true), Math.sqrt(heads / width))) // [B, H, N, N]
    return tf.reshape(tf.transpose(tf.matMul(probabilities, v), [0, 2, 1, 3]), [batch * tokens, width]) // [B N, D]
  }
  const loss = () => {
    const strips = tf.reshape(images, [batch, side, patchSize, side, patchSize * channels])
    const patches = tf.reshape(tf.transpose(strips, [0, 1, 3, 2, 4]), [batch * side * side, -1]) // [B n, p p c]
    const first = tf.mul(tf.ones([batch, 1, 1]), classToken) // [B, 1, D]
    const embedded = tf.concat([first, tf.reshape(linear(patches, embed), [batch, side * side, width])], 1) // [B, N, D]
    let x = tf.reshape(tf.add(embedded, positions), [batch * tokens, width]) // [B N, D]
    for (const { norm1, qkv, proj, norm2, fc1, fc2 } of blocks) {
      x = tf.add(x, linear(attention(linear(layerNorm(x, norm1), qkv)), proj))
      x = tf.add(x, linear(gelu(linear(layerNorm(x, norm2), fc1)), fc2))
    }
    const token = tf.reshape(tf.slice(tf.reshape(x, [batch, tokens, width]), [0, 0, 0], [batch, 1, width]), [batch, width]) // [B, D]
    const logits = linear(layerNorm(token, last), head) // [B, C]
    return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), -1)))
  }
  const optimizer = tf.train.adam(1e-4)
  return () => optimizer.minimize(loss, true)
}
