// Checks all types by TypeScript's native compiler: of the libraries with their tests by one program, which also writes the declarations of what they export,
// and of the studio, the site, the benchmarks' page and the examples by one each.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = join(root, 'packages')
const temporary = join(root, 'node_modules/.types')
const written = join(temporary, 'declarations')
const compiler = fileURLToPath(new URL('./bin/tsc', import.meta.resolve('typescript-native/package.json')))

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))
/** As configurations name a file: from the folder of the one that is written, with slashes on every system. */
const fromTemporary = (path) => relative(temporary, path).replaceAll('\\', '/')

const libraries = readdirSync(packages).map((name) => {
  const folder = join(packages, name)
  const { name: packageName, exports: entries } = readJson(join(folder, 'package.json'))
  const typed = Object.entries(entries).filter(([, { types }]) => types !== undefined)
  return {
    folder,
    name,
    entries: typed.map(([entry, { types }]) => ({
      import: entry.replace('.', packageName),
      declaration: join(folder, types),
      source: join(folder, types.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts')),
    })),
  }
})
const entries = libraries.flatMap(({ entries }) => entries)

/**
 * Checks what a configuration says, with more options.
 *
 * @param seen for each library that is imported the file that it is seen by
 * @returns whether it is sound; what is not was printed
 */
function check(configuration, seen, { files, ...options } = {}) {
  const path = join(root, configuration)
  const own = Object.entries(readJson(path).compilerOptions?.paths ?? {}).map(([name, targets]) => {
    return [name, targets.map((target) => fromTemporary(join(dirname(path), target)))]
  })
  const paths = Object.fromEntries([...own, ...entries.map((entry) => [entry.import, [fromTemporary(seen(entry))]])])
  const file = join(temporary, configuration.replaceAll('/', '-'))
  writeFileSync(file, JSON.stringify({ extends: fromTemporary(path), compilerOptions: { ...options, paths }, ...(files && { files }) }))
  const child = spawn(process.execPath, [compiler, '--project', file, '--pretty'], { cwd: root, stdio: 'inherit' })
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code === 0)))
}

/** Puts into `dist` the declarations of what the entries of a library export, and of all that those name. */
function keepDeclarations({ folder, name, entries }) {
  const dist = join(folder, 'dist')
  const reached = new Map()
  const reach = (file) => {
    if (reached.has(file)) return
    const text = readFileSync(join(written, name, 'src', file), 'utf8')
    reached.set(file, text)
    for (const [, module] of text.matchAll(/(?:from |import\(|import )['"](\.[^'"]+)\.js['"]/g))
      reach(join(dirname(file), `${module}.d.ts`))
  }
  for (const { declaration } of entries) reach(relative(dist, declaration))
  if (existsSync(dist)) for (const file of readdirSync(dist, { recursive: true })) if (file.endsWith('.d.ts')) rmSync(join(dist, file))
  for (const [file, text] of reached) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    writeFileSync(join(dist, file), text)
  }
}

rmSync(temporary, { recursive: true, force: true })
mkdirSync(temporary, { recursive: true })
// Libraries see one another by their sources, so that none has to be done before another; all others see them by their declarations, as users do.
const librariesAreSound = await check('tsconfig.packages.json', ({ source }) => source, {
  // Of the studio, which has a configuration of its own, only what Node imports.
  files: entries.map(({ source }) => fromTemporary(source)),
  ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: fromTemporary(packages), outDir: fromTemporary(written) },
})
if (!librariesAreSound) process.exit(1)
for (const library of libraries) keepDeclarations(library)
const others = ['packages/studio', 'site', 'benchmarks', 'examples/extend'].map((folder) => `${folder}/tsconfig.json`)
const sound = await Promise.all(others.map((configuration) => check(configuration, ({ declaration }) => declaration)))
if (sound.includes(false)) process.exit(1)
rmSync(temporary, { recursive: true })
