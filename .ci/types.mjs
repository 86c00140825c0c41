// Checks all types: of the libraries with their tests by one program of TypeScript, which also writes the declarations of what they export, and of the studio,
// the site, the benchmarks' page and the examples by one each. They share what they have read: each by itself would read TensorFlow.js's declarations again.
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

/** Libraries are seen by their sources, so that none has to be done before another. */
const paths = Object.fromEntries(entries.map((entry) => [entry.import, [entry.source]]))

const host = ts.createCompilerHost({})
const read = host.getSourceFile
const known = new Map()
host.getSourceFile = (file, ...how) => {
  if (!known.has(file)) known.set(file, read(file, ...how))
  return known.get(file)
}

/** The program of a configuration, with the files that are to be checked. */
function programOf(configuration, { files = [], options: more = {} } = {}) {
  const path = join(root, configuration)
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path, ts.sys.readFile).config,
    ts.sys,
    dirname(path),
  )
  const rootNames = [...new Set([...fileNames, ...files])]
  const program = ts.createProgram({
    ...{ rootNames, host, configFileParsingDiagnostics: errors },
    options: { ...options, paths: { ...paths, ...options.paths }, ...more },
  })
  return { program, rootNames }
}

const { program, rootNames } = programOf('tsconfig.packages.json', {
  // Of the studio, which has a configuration of its own, only what Node imports.
  files: entries.map(({ source }) => source),
  options: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: packages, outDir: packages },
})
const others = ['packages/studio', 'site', 'benchmarks', 'examples/extend'].map((folder) => programOf(`${folder}/tsconfig.json`))
const problems = [{ program, rootNames }, ...others].flatMap(({ program, rootNames }) => [
  ...program.getConfigFileParsingDiagnostics(),
  ...program.getOptionsDiagnostics(),
  ...program.getGlobalDiagnostics(),
  ...rootNames.flatMap((name) => {
    const file = program.getSourceFile(name)
    const declared = program.getCompilerOptions().declaration ? program.getDeclarationDiagnostics(file) : []
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file), ...declared]
  }),
])
if (problems.length > 0) {
  const format = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => root, getNewLine: () => '\n' }
  process.stderr.write(ts.formatDiagnosticsWithColorAndContext(ts.sortAndDeduplicateDiagnostics(problems), format))
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
