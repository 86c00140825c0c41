import type { BackendName } from './backend-names.js'
import { cpu } from './cpu.js'
import type { Starter } from './starter.js'
import { tensorflow, tensorflowGpu } from './tensorflow.js'
import { wasm } from './wasm.js'
import { webgpu } from './webgpu/starter.js'

export const STARTERS: { readonly [name in BackendName]: Starter } = { 'tensorflow-gpu': tensorflowGpu, webgpu, tensorflow, wasm, cpu }
