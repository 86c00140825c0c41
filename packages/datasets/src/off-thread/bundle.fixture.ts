import { mkdir, mkdtemp } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const source = join(dirname(fileURLToPath(import.meta.url)), '..')
const packages = join(source, '../..')

/** Our packages from their sources, in the bundle; all others from node_modules, but for the gradients, which plain Node cannot import. */
const resolve: Plugin = {
  name: 'sources',
  setup({ onResolve }) {
    onResolve({ filter: /^@learngene\// }, ({ path }) => {
      const [, name, entry = 'index'] = path.split('/')
      return { path: join(packages, `${name}/src/${entry}.ts`) }
    })
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.endsWith('/register_all_gradients') ? undefined : { path, external: true },
    )
  },
}

/**
 * Builds this package for plain Node, which worker threads need, in the layout of its dist.
 *
 * @returns the folder, to be removed by the caller
 */
export async function bundle(): Promise<URL> {
  const cache = join(packages, '../node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'learngene-datasets-'))
  await build({
    entryPoints: {
      index: join(source, 'index.ts'),
      node: join(source, 'node.ts'),
      'node-pool': join(source, 'off-thread/node-pool.ts'),
      'node-worker': join(source, 'off-thread/node-worker.ts'),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
    plugins: [resolve],
  })
  return pathToFileURL(`${folder}/`)
}
