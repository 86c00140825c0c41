import { expect, test } from 'vitest'
import { RELAXED_SIMD_MODULE, SIMD_MODULE } from './module.generated.js'
import { withSharedMemory } from './shared-memory.js'

const decode = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

test.each([
  ['plain', SIMD_MODULE],
  ['relaxed', RELAXED_SIMD_MODULE],
])('the %s build takes a shared memory, and only that', (_, base64) => {
  const binary = decode(base64)
  const shared = new WebAssembly.Memory({ initial: 20, maximum: 65_536, shared: true })
  if (!WebAssembly.validate(binary)) return expect(base64).toBe(RELAXED_SIMD_MODULE)
  const instantiate = (module: Uint8Array<ArrayBuffer>) =>
    new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory: shared } })
  expect(() => instantiate(binary)).toThrow(WebAssembly.LinkError)
  expect(instantiate(withSharedMemory(binary)).exports.gelu).toBeTypeOf('function')
})

test('refuses a module of another form', () => {
  expect(() => withSharedMemory(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))).toThrow('must import its memory alone')
})
