// API pages of all public packages as Markdown in docs/api: their READMEs, and by TypeDoc from the sources what they export.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'
import { addressOf, isRelative } from './links.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const packages = here('../packages')
const docs = here('../docs')

/** Every entry of a public package: its source, and the name that it is imported by. */
const entries = readdirSync(packages).flatMap((folder) => {
  const manifest = join(packages, folder, 'package.json')
  if (!existsSync(manifest)) return []
  const { name, description, private: isPrivate, exports = {} } = JSON.parse(readFileSync(manifest, 'utf8'))
  if (isPrivate) return []
  return Object.entries(exports).flatMap(([entry, target]) => {
    const source = /^\.\/dist\/(.+)\.js$/.exec(target.default ?? '')?.[1]
    return source
      ? [{ folder, source, name: entry === '.' ? name : `${name}${entry.slice(1)}`, description: entry === '.' ? description : undefined }]
      : []
  })
})

/** A package's README, with links as the site has them. */
function readmeOf(folder) {
  const file = join(packages, folder, 'README.md')
  return readFileSync(file, 'utf8').replace(/(?<!!)\[([^\]]+)\]\(([^)\s]+)\)/g, (link, label, href) => {
    if (!isRelative(href)) return link
    const address = addressOf(file, href)
    return address === undefined ? label : `[${label}](${address})`
  })
}

async function generate(selected, options) {
  const app = await Application.bootstrapWithPlugins({
    plugin: [import.meta.resolve('typedoc-plugin-markdown'), import.meta.resolve('typedoc-vitepress-theme')].map((url) =>
      fileURLToPath(url),
    ),
    name: 'API',
    entryPoints: selected.map(({ folder, source }) => `${packages}/${folder}/src/${source}.ts`),
    basePath: packages,
    tsconfig: here('api.tsconfig.json'),
    out: join(docs, 'api'),
    docsRoot: docs,
    readme: 'none',
    router: 'module',
    flattenOutputFiles: true,
    cleanOutputDir: false,
    excludeScopesInPaths: true,
    hideBreadcrumbs: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    // Each package's own check is for errors.
    skipErrorChecking: true,
    logLevel: 'Error',
    ...options,
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('the API pages need sources that TypeDoc can read; its messages are above')
  for (const { folder, source, name, description } of selected) {
    const called = source === 'index' ? `${folder}/src` : `${folder}/src/${source}`
    const module = project.children?.find((child) => child.name === called)
    if (module === undefined) throw new Error(`TypeDoc gave no module ${called}; it gave ${project.children?.map((child) => child.name)}`)
    module.name = name
    if (description !== undefined) module.readme = [{ kind: 'text', text: readmeOf(folder) }]
  }
  await app.generateOutputs(project)
}

rmSync(join(docs, 'api'), { recursive: true, force: true })
// What `learngene` hands on is told where it comes from, so it is read by itself.
const isAll = ({ folder }) => folder === 'learngene'
await generate(
  entries.filter((entry) => !isAll(entry)),
  {},
)
await generate(entries.filter(isAll), { externalPattern: ['**/packages/!(learngene)/**'], excludeExternals: true })

const list = entries.map(({ name, description }) => ({ name, description, page: name.replace(/^@learngene\//, '').replaceAll('/', '.') }))
const missing = list.filter(({ page }) => !existsSync(join(docs, 'api', `${page}.md`)))
if (missing.length > 0) throw new Error(`TypeDoc wrote no page for ${missing.map(({ name }) => name).join(', ')}`)
const rows = list
  .filter(({ description }) => description !== undefined)
  .map(({ name, description }) => {
    const own = list.filter((entry) => entry.name === name || entry.name.startsWith(`${name}/`))
    return `| ${own.map((entry) => `[\`${entry.name}\`](${entry.page}.md)`).join('<br>')} | ${description} |`
  })
writeFileSync(join(docs, 'api/index.md'), `# API\n\n| import | is |\n| --- | --- |\n${rows.join('\n')}\n`)
writeFileSync(join(docs, 'api/entries.json'), JSON.stringify(list))
console.log(`wrote docs/api: ${list.length} entries`)
