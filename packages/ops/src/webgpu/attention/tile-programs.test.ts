import { expect, test } from 'vitest'
import { forwardProgram, keyGradientProgram, queryGradientProgram } from './tile-programs.js'

/** Vectors of 16 bytes in a program's workgroup arrays. */
function workgroupBytes(code: string): number {
  const stride = Number(/const STRIDE = (\d+)u/.exec(code)![1])
  const lengths = [...code.matchAll(/var<workgroup> \w+: array<vec4f, ([^>]+)>/g)].map(([, length]) =>
    length!.split('*').reduce((product, factor) => product * (factor.trim() === 'STRIDE' ? stride : Number.parseInt(factor, 10)), 1),
  )
  return 16 * lengths.reduce((a, b) => a + b, 0)
}

test.each([1, 7, 32, 64, 66, 80, 128])('no program of head width %d takes more than is asked for', (headWidth) => {
  expect(workgroupBytes(forwardProgram(headWidth).code)).toBeLessThanOrEqual(16_384)
  for (const program of [queryGradientProgram, keyGradientProgram]) {
    expect(workgroupBytes(program(headWidth).code)).toBeLessThanOrEqual(19_456)
    expect(workgroupBytes(program(headWidth, 6).code)).toBeLessThanOrEqual(16_384)
  }
  expect(workgroupBytes(queryGradientProgram(64).code)).toBe(19_456)
})
