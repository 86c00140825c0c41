// Checks the types of all libraries with their tests, and writes the declarations of what they export, by one program of TypeScript: each library by
// itself would read those of TensorFlow.js and of its dependencies again.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = join(root, 'packages')
const libraries = readdirSync(packages).map((name) => {
  const folder = join(packages, name)
  const { name: packageName, exports: entries } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const typed = Object.entries(entries).filter(([, { types }]) => types !== undefined)
  return {
    folder,
    entries: typed.map(([entry, { types }]) => ({
      import: entry.replace('.', packageName),
      declaration: join(folder, types),
      source: join(folder, types.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts')),
    })),
  }
})
const entries = libraries.flatMap(({ entries }) => entries)

const { config } = ts.readConfigFile(join(root, 'tsconfig.packages.json'), ts.sys.readFile)
const { options, fileNames, errors } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram({
  // Of the studio, which has a configuration of its own, only what Node imports.
  rootNames: [...new Set([...fileNames, ...entries.map(({ source }) => source)])],
  options: {
    ...options,
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: packages, outDir: packages },
    // Libraries see each other's sources, so that none has to be done before another.
    paths: Object.fromEntries(entries.map((entry) => [entry.import, [entry.source]])),
  },
  configFileParsingDiagnostics: errors,
})
const problems = ts.getPreEmitDiagnostics(program)
if (problems.length > 0) {
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' }
  process.stderr.write(ts.formatDiagnosticsWithColorAndContext(problems, host))
  process.exit(1)
}

/** By the file that each goes to: `packages/NAME/dist/...` for `packages/NAME/src/...`. */
const declarations = new Map()
program.emit(undefined, (file, text) => {
  const [name, , ...inside] = relative(packages, file).split(sep)
  declarations.set(join(packages, name, 'dist', ...inside), text)
})

for (const { folder, entries } of libraries) {
  const reached = new Set()
  const reach = (file) => {
    if (reached.has(file)) return
    reached.add(file)
    if (!declarations.has(file)) throw new Error(`${file} is named by a declaration and has none`)
    for (const [, module] of declarations.get(file).matchAll(/(?:from |import\(|import )['"](\.[^'"]+)\.js['"]/g))
      reach(join(dirname(file), `${module}.d.ts`))
  }
  for (const { declaration } of entries) reach(declaration)
  const dist = join(folder, 'dist')
  if (existsSync(dist)) for (const file of readdirSync(dist, { recursive: true })) if (file.endsWith('.d.ts')) rmSync(join(dist, file))
  for (const file of reached) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, declarations.get(file))
  }
}
