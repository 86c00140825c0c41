import { provideKernels } from './provide-kernels.js'
import { attentionKernels } from './webgpu/attention/kernels.js'
import type { WebGPUBackend } from './webgpu/backend.js'
import { guardKernels } from './webgpu/guard/kernels.js'
import { layerNormKernels } from './webgpu/layer-norm/kernels.js'
import { linearKernels } from './webgpu/linear/kernels.js'
import { findUnit } from './webgpu/linear/matrix-unit.js'
import { lossKernels } from './webgpu/losses/kernels.js'
import { optimizerKernels } from './webgpu/optimizer/kernels.js'
import { pixelKernels } from './webgpu/pixels.js'

// This package's own WGSL kernels.
provideKernels<WebGPUBackend>('webgpu', (backend) => ({
  ...attentionKernels(backend),
  ...guardKernels(backend),
  ...layerNormKernels(backend),
  ...linearKernels(backend),
  LearngeneMixedPrecision: () => {
    const found = findUnit(backend.device)
    if (typeof found === 'string') throw new Error(found)
    return []
  },
  ...lossKernels(backend),
  ...optimizerKernels(backend),
  ...pixelKernels(backend),
}))
