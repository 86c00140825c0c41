// Registers TensorFlow.js's own gradients, without which no gradient can be computed. Plain tfjs-core registers none; the registry is a global of TensorFlow.js,
// so registering here serves every package.
// First the main module: the list of gradients names four kernels twice, and then reads a flag that only the main module defines.
import '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
