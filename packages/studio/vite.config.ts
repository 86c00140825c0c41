import { readdir, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import { copyFamily } from './built-in-family.js'

const page = fileURLToPath(new URL('./dist/page', import.meta.url))

/** The family that comes with the page, and the list of all files that a visitor's browser keeps. */
function withFamily(): Plugin {
  return {
    name: 'built-in-family',
    apply: 'build',
    async closeBundle() {
      await copyFamily(page)
      const entries = await readdir(page, { recursive: true, withFileTypes: true })
      const files = entries
        .filter((entry) => entry.isFile() && !['sw.js', 'files.json'].includes(entry.name))
        .map(({ parentPath, name }) => relative(page, join(parentPath, name)).split(sep).join('/'))
      await writeFile(join(page, 'files.json'), `${JSON.stringify(files.sort())}\n`)
    },
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('./src/page', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [withFamily()],
  worker: { format: 'es' },
  build: { outDir: page, emptyOutDir: true, target: 'es2022', modulePreload: false, assetsInlineLimit: 0, reportCompressedSize: true },
})
