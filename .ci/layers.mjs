// What imports what, in one table. `node .ci/layers.mjs --write` brings biome.json and the table of docs/architecture.md up to it; layers.test.ts says
// when they differ, and that no package.json and no source goes beyond it.
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Which packages of this repository the sources of each may import; all of them stand above it. Tests may import any. */
export const layers = {
  interfaces: [],
  ops: ['interfaces'],
  backends: ['interfaces', 'ops'],
  'compile-step': [],
  'vit-blocks': ['interfaces', 'ops'],
  'distill-losses': ['interfaces', 'ops'],
  training: ['interfaces', 'ops', 'compile-step'],
  stitch: ['interfaces', 'ops', 'vit-blocks'],
  inherit: ['interfaces', 'ops', 'vit-blocks', 'stitch'],
  'learngene-pool': ['interfaces', 'ops', 'compile-step', 'vit-blocks', 'distill-losses', 'training', 'stitch', 'inherit'],
  'budget-search': ['interfaces'],
  datasets: ['interfaces', 'ops'],
  export: ['interfaces', 'ops', 'vit-blocks', 'stitch'],
  recipe: 'all above',
  'fashion-mnist': ['interfaces'],
  bench: ['interfaces', 'ops', 'backends', 'compile-step', 'vit-blocks', 'training', 'stitch', 'learngene-pool', 'budget-search', 'export'],
  studio: 'all above',
  learngene: 'all above',
  testing: ['ops', 'backends'],
}

const root = new URL('../', import.meta.url)
const names = Object.keys(layers)

/** The packages that `name` may import. */
export const importsOf = (name) => (layers[name] === 'all above' ? names.slice(0, names.indexOf(name)) : layers[name])

/** The name that a package is published under. */
export const published = (name) => (name === 'learngene' ? name : `@learngene/${name}`)

/** The overrides of biome.json: one for all packages that may import the same. */
export function overrides() {
  const sets = new Map(names.map((name) => [importsOf(name).join(), importsOf(name)]))
  return [...sets].map(([set, allowed]) => {
    const group = names.filter((name) => importsOf(name).join() === set)
    const inside = allowed.length > 0 ? [`!@learngene/${either(allowed)}`, `!@learngene/${either(allowed)}/**`] : []
    const patterns = [
      {
        group: ['learngene', 'learngene/**', '@learngene/**', ...inside],
        message: `${group.join(', ')} may import ${allowed.length > 0 ? `only ${allowed.join(', ')}` : 'nothing of ours'} (docs/architecture.md)`,
      },
    ]
    return {
      includes: [`packages/${either(group)}/src/**`, '!**/*.test.ts', '!**/src/**/testing/**', '!**/*.fixture.ts'],
      linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
    }
  })
}

/** The table of docs/architecture.md with its last column from the layers and its columns aligned. */
export function withTable(markdown) {
  const rows = [...markdown.matchAll(/^\| (.*?) *\| (.*?) *\| .*\|$/gm)].map(([, name, does]) => [name, does])
  const table = [
    ['package', 'does', 'imports'],
    ...names.map((name) => {
      const [, does] = rows.find(([first]) => first === `\`${name}\``) ?? ['', 'TODO']
      const imports = layers[name] === 'all above' ? 'all above' : importsOf(name).join(', ')
      return [`\`${name}\``, does, imports || 'nothing of ours']
    }),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column].length)))
  table.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  )
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`)
  return markdown.replace(/(^\|.*\|$\n?)+/m, () => `${lines.join('\n')}\n`)
}

const either = (list) => (list.length === 1 ? list[0] : `{${list.join()}}`)

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv[2] !== '--write') throw new Error('usage: node .ci/layers.mjs --write')
  const biome = new URL('biome.json', root)
  const docs = new URL('docs/architecture.md', root)
  writeFileSync(biome, JSON.stringify({ ...JSON.parse(readFileSync(biome, 'utf8')), overrides: overrides() }, null, 2))
  writeFileSync(docs, withTable(readFileSync(docs, 'utf8')))
  execFileSync('npx', ['biome', 'format', '--write', 'biome.json'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
}
