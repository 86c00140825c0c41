import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = fileURLToPath(new URL('./packages/', import.meta.url))

export default defineConfig({
  resolve: {
    // Tests run on sources, so that no build is needed and a failing line is a line somebody wrote.
    alias: [
      { find: /^@learngene\/([^/]+)$/, replacement: `${packages}$1/src/index.ts` },
      { find: /^@learngene\/([^/]+)\/([^.]+)$/, replacement: `${packages}$1/src/$2.ts` },
    ],
  },
  test: {
    include: ['.ci/*.test.ts', 'packages/*/src/**/*.test.ts', 'examples/**/*.test.ts', 'benchmarks/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: '100%',
    // Generous, for machines that are slow or busy: no test waits for time to pass.
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
