import { defineConfig, type Options } from 'tsup'

/** Every package is built the same way: ESM, one declaration file per entry, nothing of its dependencies bundled. */
export const libraryConfig = (options: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: 'esm',
    target: 'es2022',
    dts: true,
    clean: true,
    sourcemap: true,
    splitting: true,
    ...options,
  })

export default libraryConfig()
