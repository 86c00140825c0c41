import { mkdir, mkdtemp } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const packages = join(dirname(fileURLToPath(import.meta.url)), '../..')

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
 * Builds modules for plain Node, which worker threads and processes of their own need, in the layout of a package's dist.
 *
 * @param source the folder of the modules, as the URL of one of them
 * @param names of the modules, without `.ts`
 * @returns the folder, to be removed by the caller
 */
export async function bundle(source: string, names: readonly string[]): Promise<URL> {
  const cache = join(packages, '../node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'learngene-test-'))
  await build({
    entryPoints: Object.fromEntries(names.map((name) => [name.split('/').at(-1)!, fileURLToPath(new URL(`${name}.ts`, source))])),
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
