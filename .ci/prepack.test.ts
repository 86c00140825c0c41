import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// In a package of its own, with an npx that stands in for nx: what it is asked for is written down, and what it builds is a line of shell.

const prepack = fileURLToPath(new URL('./prepack.mjs', import.meta.url))
const manifest = {
  name: '@learngene/example',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
  bin: { example: './bin/example.js' },
}
const builds = 'cp src/index.ts dist/index.js; touch dist/index.d.ts'
let root: string

const write = (file: string, text: string) => {
  mkdirSync(dirname(join(root, 'package', file)), { recursive: true })
  writeFileSync(join(root, 'package', file), text)
}
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

/** @returns the exit code, and what is told */
function pack(build: string, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(join(root, 'npx'), `#!/bin/sh\necho "$@" > ${join(root, 'asked')}\n${build}\n`)
  chmodSync(join(root, 'npx'), 0o755)
  const { status, stderr } = spawnSync(process.execPath, [prepack], {
    cwd: join(root, 'package'),
    encoding: 'utf8',
    env: { ...process.env, npm_command: 'pack', PATH: `${root}${delimiter}${process.env.PATH}`, ...env },
  })
  return { status, told: stderr.trim() }
}

describe.skipIf(process.platform === 'win32')('prepack', () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'prepack-'))
    write('package.json', JSON.stringify(manifest))
    write('src/index.ts', '2')
    write('dist/index.js', '1') // of older sources
    for (const file of ['bin/example.js', 'LICENSE', 'README.md']) write(file, '')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('builds the package and the typings of all, so that what is packed is of the sources that are there', () => {
    expect(pack(builds)).toEqual({ status: 0, told: '' })
    expect(textOf('package/dist/index.js')).toBe('2')
    expect(textOf('asked').trim()).toBe('nx run-many -t build types -p @learngene/example,@learngene/monorepo --outputStyle=static')
  })

  it('refuses where the build fails, though an older one lies there, and shows what the build told', () => {
    const { status, told } = pack('touch dist/index.d.ts; echo "index.ts: no such name"; exit 1')
    expect(status).toBe(1)
    expect(told).toBe(
      'index.ts: no such name\n@learngene/example: a package is packed with the build of its sources; that has failed, as above',
    )
  })

  it.each([
    ['a build', 'rm dist/index.js; touch dist/index.d.ts', './dist/index.js'],
    ['typings', 'cp src/index.ts dist/index.js', './dist/index.d.ts'],
    ['a command and a licence', `${builds}; rm bin/example.js LICENSE`, './bin/example.js, LICENSE'],
  ])('refuses without %s', (_, build, missing) => {
    expect(pack(build)).toEqual({
      status: 1,
      told: `@learngene/example: a package must hold what its manifest names; missing: ${missing}`,
    })
  })

  it('publishes nothing that does not say whence it comes', () => {
    const { status, told } = pack(builds, { npm_command: 'publish' })
    expect([status, told]).toEqual([1, expect.stringContaining('node .ci/addresses.mjs https://host/owner/name')])
    write('package.json', JSON.stringify({ ...manifest, repository: { type: 'git', url: 'git+https://example.org/a/b.git' } }))
    expect(pack(builds, { npm_command: 'publish' })).toEqual({ status: 0, told: '' })
  })
})
