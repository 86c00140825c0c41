import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { aliases } from '../vitest.config.js'

const src = `packages/${process.env.MUTATED_PACKAGE}/src`

/** The tests of one package, on the one backend that starts at once. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { alias: aliases },
  test: {
    include: [`${src}/**/*.test.ts`],
    // What a page has, and what is slow because a space is large and not because of what is done there.
    exclude: [`${src}/**/*.chromium.test.ts`, `${src}/**/large-space.test.ts`],
    testTimeout: 60_000,
    provide: { required: [], chromium: null, available: [{ name: 'cpu', reason: null }] },
  },
})
