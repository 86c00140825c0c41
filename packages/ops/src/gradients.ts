// First the main module: the list of gradients names four kernels twice, and then reads a flag that only the main module defines.
import '@tensorflow/tfjs-core'
// Plain tfjs-core registers no gradients in Node. The bundle of this package carries the one module that does;
// the registry is a global of TensorFlow.js, so registering here serves every package.
import '@tensorflow/tfjs-core/dist/register_all_gradients'
