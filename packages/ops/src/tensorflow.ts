import { provideKernels } from './provide-kernels.js'
import type { TensorFlowBackend } from './tensorflow/backend.js'
import { tensorflowKernels } from './tensorflow/kernels.js'

// This package's own formulations for TensorFlow.
provideKernels<TensorFlowBackend>('tensorflow', tensorflowKernels)
