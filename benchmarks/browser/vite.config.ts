import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const packages = fileURLToPath(new URL('../../packages/', import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  resolve: {
    // The page runs on sources, so that no build is needed before it.
    alias: [
      { find: /^@learngene\/([^/]+)$/, replacement: `${packages}$1/src/index.ts` },
      { find: /^@learngene\/([^/]+)\/([^./]+)$/, replacement: `${packages}$1/src/$2.ts` },
    ],
  },
  worker: { format: 'es' },
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true },
  server: { fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] } },
})
