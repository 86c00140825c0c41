import type { WasmBackend } from './backend.js'
import { RELAXED_SIMD_MODULE, SIMD_MODULE } from './module.generated.js'
import { withSharedMemory } from './shared-memory.js'

/** Exports of assembly/index.ts. Arguments named in lower case are counts or addresses in bytes; see the sources for each. */
export interface WasmModule {
  readonly WORKSPACE_BYTES: WebAssembly.Global<'i32'>
  setWorkspace(address: number): void
  product(
    rows: number,
    columns: number,
    depth: number,
    a: number,
    aStride: number,
    aTransposed: boolean,
    b: number,
    bStride: number,
    bTransposed: boolean,
    c: number,
    cStride: number,
    bias: number,
  ): void
  columnSums(rows: number, width: number, x: number, y: number): void
  gelu(count: number, x: number, y: number): void
  geluGradient(count: number, x: number, dy: number, dx: number): void
  layerNorm(rows: number, width: number, x: number, gamma: number, beta: number, epsilon: number, y: number, statistics: number): void
  layerNormGradient(
    rows: number,
    width: number,
    x: number,
    gamma: number,
    statistics: number,
    dy: number,
    dSkip: number,
    dx: number,
    dGamma: number,
    dBeta: number,
  ): void
  attention(
    images: number,
    tokens: number,
    heads: number,
    headWidth: number,
    qkv: number,
    y: number,
    statistics: number,
    scores: number,
  ): void
  attentionGradient(
    images: number,
    tokens: number,
    heads: number,
    headWidth: number,
    qkv: number,
    statistics: number,
    dy: number,
    dqkv: number,
    scratch: number,
  ): void
  adamW(
    count: number,
    p: number,
    g: number,
    m: number,
    v: number,
    nextP: number,
    nextM: number,
    nextV: number,
    factor: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    shrink: number,
    stepSize: number,
    correction: number,
    epsilon: number,
  ): void
  sumOfSquares(count: number, x: number): number
  copyRows(rows: number, bytes: number, source: number, sourceStride: number, target: number, targetStride: number): void
}

/** Our module inside the backend's memory, shared or not, or undefined where it cannot live: a browser without SIMD, no memory left. */
export function instantiate(backend: WasmBackend): WasmModule | undefined {
  const memory = backend.wasm.asm?.memory ?? backend.wasm.wasmMemory
  const binary = [RELAXED_SIMD_MODULE, SIMD_MODULE].map(decode).find((bytes) => WebAssembly.validate(bytes))
  if (memory === undefined || binary === undefined) return undefined
  const code = isShared(memory) ? withSharedMemory(binary) : binary
  const module = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports as unknown as WasmModule
  const workspace = backend.wasm._malloc(module.WORKSPACE_BYTES.value)
  if (workspace === 0) return undefined
  module.setWorkspace(workspace)
  return module
}

function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
