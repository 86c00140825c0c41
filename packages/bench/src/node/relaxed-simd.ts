import { setFlagsFromString } from 'node:v8'

/** A module whose one function is f32x4.relaxed_madd of constants. */
const PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11],
)

/**
 * Asks the engine for WebAssembly's relaxed SIMD, or for doing without. To be called before the first operation.
 *
 * @returns whether it is there now, which older and newer engines decide for themselves
 */
export function setRelaxedSimd(on: boolean): boolean {
  setFlagsFromString(`--${on ? '' : 'no-'}experimental-wasm-relaxed-simd`)
  return WebAssembly.validate(PROBE)
}
