import { defineConfig, type Options } from 'tsup'

/**
 * Every package is built the same way: ESM, nothing of its dependencies bundled. Declarations are a target of their own (`types`),
 * so that running the command needs no typechecker.
 */
export const libraryConfig = (options: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: 'esm',
    target: 'es2022',
    clean: ['!**/*.d.ts'],
    sourcemap: true,
    splitting: true,
    ...options,
  })

export default libraryConfig()
