// What a page downloads for an import, bundled by Vite, minified and gzipped, without TensorFlow.js. Prints the README's table.
// Usage: npm run build && node .ci/sizes.mjs
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

/** What is measured, the most bytes of it that are loaded at start, and kernels or gradients among these: `bench` trains stock TensorFlow.js too. */
export const imports = [
  { what: '`forward`, `loadModel` of `vit-blocks`', code: "export { forward, loadModel } from '@learngene/vit-blocks'", limit: 25_000 },
  { what: '`useBackend` of `backends`', code: "export { useBackend } from '@learngene/backends'", limit: 6_300 },
  { what: '`ops`', code: "export * from '@learngene/ops'", limit: 8_200 },
  { what: '`distill-losses`', code: "export * from '@learngene/distill-losses'", limit: 6_200 },
  { what: '`stitch`', code: "export * from '@learngene/stitch'", limit: 31_000 },
  { what: '`budget-search`', code: "export * from '@learngene/budget-search'", limit: 6_000 },
  { what: '`toOnnx` of `export`', code: "export { toOnnx } from '@learngene/export'", limit: 25_000 },
  { what: '`train` of `training`', code: "export { train } from '@learngene/training'", limit: 9_200 },
  { what: '`inherit`', code: "export * from '@learngene/inherit'", limit: 24_700 },
  { what: '`learngene-pool`', code: "export * from '@learngene/learngene-pool'", limit: 81_000 },
  { what: '`datasets`', code: "export * from '@learngene/datasets'", limit: 19_900 },
  { what: '`recipe`', code: "export * from '@learngene/recipe'", limit: 120_000 },
  { what: '`bench`', code: "export * from '@learngene/bench'", limit: 99_000, parts: ['gradients'] },
]

const entry = fileURLToPath(new URL('./entry.js', import.meta.url))

/**
 * @param {string} code a module that exports what is measured
 * @returns {Promise<{ initial: Chunk[], onDemand: Chunk[] }>} the chunks that are loaded at start, and those of dynamic imports
 * @typedef {{ readonly name: string, readonly code: string, readonly bytes: number }} Chunk bytes are gzipped
 */
export async function bundle(code) {
  const { output } = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [{ name: 'entry', resolveId: (id) => (id === entry ? id : undefined), load: (id) => (id === entry ? code : undefined) }],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: entry, external: /^@tensorflow\//, preserveEntrySignatures: 'strict' },
    },
  })
  const chunks = new Map(output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]))
  const initial = new Set()
  const visit = (file) => {
    if (!chunks.has(file) || initial.has(file)) return
    initial.add(file)
    chunks.get(file).imports.forEach(visit)
  }
  visit([...chunks.values()].find(({ isEntry }) => isEntry).fileName)
  const chunksOf = (files) =>
    files.map((file) => {
      const { name, code, facadeModuleId } = chunks.get(file)
      const packageName = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(facadeModuleId?.replaceAll('\\', '/'))?.[1]
      return { name: packageName ?? name, code, bytes: gzipSync(code).length }
    })
  return { initial: chunksOf([...initial]), onDemand: chunksOf([...chunks.keys()].filter((file) => !initial.has(file))) }
}

/** @param {readonly Chunk[]} chunks */
export const bytesOf = (chunks) => chunks.reduce((total, { bytes }) => total + bytes, 0)

/** The table of some measurements, a line each. */
export function table(measured) {
  const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`
  /** A name without the hash that our own build gives it; what several chunks share is left out. */
  const listed = ({ name, bytes }) => (name.startsWith('chunk-') ? [] : [`${name.replace(/-[A-Z0-9]{8}$/, '')} ${kilobytes(bytes)}`])
  const rows = measured.map(
    ({ what, initial, onDemand }) => `| ${what} | ${kilobytes(bytesOf(initial))} | ${onDemand.flatMap(listed).join(', ') || '–'} |`,
  )
  return ['| import | gzipped | loaded when needed |', '| --- | ---: | --- |', ...rows].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const measured = []
  for (const { what, code } of imports) measured.push({ what, ...(await bundle(code)) })
  console.log(table(measured))
}
