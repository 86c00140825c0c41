import { expect, test } from 'vitest'
import type { WebGPUBackend } from '../backend.js'
import { attentionKernels } from './kernels.js'
import { forwardProgram, keyGradientProgram, queryGradientProgram } from './programs.js'

const backendWith = (maxComputeWorkgroupStorageSize: number) =>
  ({ device: { limits: { maxComputeWorkgroupStorageSize } } }) as unknown as WebGPUBackend

test('a device with too little workgroup memory gets no kernels', () => {
  expect(Object.keys(attentionKernels(backendWith(16_384)))).toEqual([])
  expect(Object.keys(attentionKernels(backendWith(32_768)))).toEqual(['LearngeneAttention', 'LearngeneAttentionGrad'])
})

/** Vectors of 16 bytes in a program's workgroup arrays. */
function workgroupBytes(code: string): number {
  const stride = Number(/const STRIDE = (\d+)u/.exec(code)![1])
  const lengths = [...code.matchAll(/var<workgroup> \w+: array<vec4f, ([^>]+)>/g)].map(([, length]) =>
    length!.split('*').reduce((product, factor) => product * (factor.trim() === 'STRIDE' ? stride : Number.parseInt(factor, 10)), 1),
  )
  return 16 * lengths.reduce((a, b) => a + b, 0)
}

test.each([1, 7, 32, 64, 66, 80, 128])('no program of head width %d takes more than is asked for', (headWidth) => {
  for (const program of [forwardProgram, queryGradientProgram, keyGradientProgram]) {
    expect(workgroupBytes(program(headWidth).code)).toBeLessThanOrEqual(27_648)
  }
  expect(workgroupBytes(keyGradientProgram(64).code)).toBe(27_648)
})
