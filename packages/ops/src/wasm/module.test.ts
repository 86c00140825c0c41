import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generate } from '../../scripts/build-wasm.mjs'
import { RELAXED_SIMD_MODULE, SIMD_MODULE } from './module.generated.js'

test('the generated file is what the sources compile to', async () => {
  const committed = await readFile(new URL('./module.generated.ts', import.meta.url), 'utf8')
  expect((await generate()) === committed, 'run `npm run build:wasm` in packages/ops').toBe(true)
}, 120_000)

test.each([
  ['plain', SIMD_MODULE],
  ['relaxed', RELAXED_SIMD_MODULE],
])('the %s module is small and asks for nothing but a memory', (_, base64) => {
  const binary = Buffer.from(base64, 'base64')
  expect(binary.length).toBeLessThan(12_000)
  if (!WebAssembly.validate(binary)) return // relaxed SIMD is behind a flag in Node 20
  expect(WebAssembly.Module.imports(new WebAssembly.Module(binary))).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
})
