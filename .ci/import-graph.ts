import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A source file and what it imports, types and `import()` included. Files are named from the root of the repository. */
export interface Source {
  readonly file: string
  readonly imports: readonly { readonly specifier: string /** The source it is, if it is one of ours. */; readonly file?: string }[]
}

/** All sources of the packages, their tests among them. */
export function readSources(): Source[] {
  const files = readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join('packages', name, 'src')
    const inside = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return inside.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file).replaceAll('\\', '/'))
  })
  return files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true)
    return { file, imports: importedFiles.map(({ fileName }) => ({ specifier: fileName, file: resolve(file, fileName) })) }
  })
}

/** The package that a file belongs to. */
export const packageOf = (file: string) => file.split('/')[1]!

/** Whether a file takes part in tests only. */
export const isOfTests = (file: string) => /\.test\.ts$|\.fixture\.ts$|\/testing\//.test(file)

function resolve(from: string, specifier: string): string | undefined {
  const ours = /^(?:@learngene\/)?(learngene|(?<=\/)[^/]+)(?:\/(.+))?$/.exec(specifier)
  const base = specifier.startsWith('.')
    ? relative(root, join(root, dirname(from), specifier.replace(/\.js$/, ''))).replaceAll('\\', '/')
    : ours && `packages/${ours[1]}/src/${ours[2] ?? 'index'}`
  return base && existsSync(join(root, `${base}.ts`)) ? `${base}.ts` : undefined
}

/**
 * The cycles of a graph, the shortest through each knot of nodes that reach one another, as lists that end where they start.
 * @param graph what each node leads to
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  for (const start of graph.keys()) {
    if (done.has(start)) continue
    const cycle = shortestWay(graph, start)
    if (cycle === undefined) continue
    found.push(cycle)
    for (const node of cycle) done.add(node)
  }
  return found
}

/** The shortest way from a node back to itself. */
function shortestWay(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const ways = [[start]]
  const seen = new Set<string>()
  for (const way of ways) {
    for (const next of graph.get(way.at(-1)!) ?? []) {
      if (next === start) return [...way, start]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}
