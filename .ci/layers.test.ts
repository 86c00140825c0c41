import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isOfTests, packageOf, readSources, root } from './import-graph'
import { importsOf, layers, overrides, published, withTable } from './layers.mjs'

const names = Object.keys(layers)
const sources = readSources()
const read = (file: string) => readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n')

describe('the table of what imports what', () => {
  it('has every package, and lets each import only from those above it', () => {
    expect([...names].sort()).toEqual(readdirSync(join(root, 'packages')).sort())
    for (const [row, name] of names.entries()) expect(names.slice(0, row), name).toEqual(expect.arrayContaining(importsOf(name)))
  })

  it('is what biome.json and docs/architecture.md say (else: node .ci/layers.mjs --write)', () => {
    expect(JSON.parse(read('biome.json')).overrides).toEqual(overrides())
    expect(read('docs/architecture.md')).toBe(withTable(read('docs/architecture.md')))
    expect(read('docs/architecture.md')).not.toContain('TODO')
  })

  it.each(names)('%s depends on nothing else, and on all that its sources import', (name) => {
    const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`)) as { dependencies?: Record<string, string> }
    expect(importsOf(name).map(published)).toEqual(
      expect.arrayContaining(Object.keys(dependencies).filter((each) => /learngene/.test(each))),
    )
    const imported = sources
      .filter(({ file }) => packageOf(file) === name && !isOfTests(file))
      .flatMap(({ imports }) => imports.flatMap(({ file }) => (file === undefined || packageOf(file) === name ? [] : packageOf(file))))
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining(imported.map(published)))
  })

  it('is not gone around by relative imports', () => {
    const leaving = sources.flatMap(({ file, imports }) =>
      imports.filter((each) => each.specifier.startsWith('.') && each.file && packageOf(each.file) !== packageOf(file)).map(() => file),
    )
    expect(leaving).toEqual([])
  })

  it('makes every other import a lint error', () => {
    const folder = mkdtempSync(join(tmpdir(), 'learngene-layers-'))
    try {
      writeFileSync(join(folder, 'biome.json'), read('biome.json').replace(/"\$schema".*/, ''))
      for (const name of names) {
        mkdirSync(join(folder, 'packages', name, 'src'), { recursive: true })
        for (const file of ['source.ts', 'source.test.ts']) writeFileSync(join(folder, 'packages', name, 'src', file), importsOfAll)
      }
      const forbidden = names.flatMap((name) =>
        names.flatMap((other, row) =>
          importsOf(name).includes(other) ? [] : forms.map((_, form) => `packages/${name}/src/source.ts:${row * forms.length + form + 1}`),
        ),
      )
      expect(lint(folder).sort()).toEqual(forbidden.sort())
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** The ways to import a package, one a line. */
const forms = [
  (name: string) => `import '${name}'`,
  (name: string) => `import type { A } from '${name}'`,
  (name: string) => `export { b } from '${name}/b'`,
  (name: string) => `export * from '${name}/c/d'`,
  (name: string) => `await import('${name}/e')`,
]
const importsOfAll = names.flatMap((name) => forms.map((form) => form(published(name)))).join('\n')

/** The places of forbidden imports below a folder: `file:line`. */
function lint(folder: string): string[] {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const options = ['--vcs-enabled=false', '--only=style/noRestrictedImports', '--reporter=github', '--max-diagnostics=none']
  const { stdout } = spawnSync(process.execPath, [biome, 'lint', ...options, '.'], { cwd: folder, encoding: 'utf8' })
  const errors = stdout.matchAll(/^::error title=lint\/style\/noRestrictedImports,file=.*?(packages\/.*?),line=(\d+)/gm)
  return [...errors].map(([, file, line]) => `${file}:${line}`)
}
