import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { engine } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../errors.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { CONFIG_FILES, loadConfig } from './load-config.js'

const isBuilt = existsSync(new URL('../../dist/node.js', import.meta.url))

let root: string
let count = 0
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** A new folder with these files. */
async function folder(files: { readonly [name: string]: string }): Promise<string> {
  const dir = join(root, String(count++))
  await mkdir(dir)
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

const load = async (name: string, text: string, others = {}) => loadConfig(name, await folder({ [name]: text, ...others }))

describe('what is found', () => {
  it.each(CONFIG_FILES)('%s, where no file is named', async (name) => {
    const text = name.endsWith('json') ? '{ "seed": 7 }' : 'export default { seed: 7 }'
    expect(await loadConfig(undefined, await folder({ [name]: text }))).toEqual({ file: name, value: { seed: 7 } })
  })

  it('nothing where there is none', async () => {
    expect(await loadConfig(undefined, await folder({ 'learngene.config.yaml': '' }))).toBeUndefined()
  })

  it('not one of two', async () => {
    const dir = await folder({ 'learngene.config.json': '{}', 'learngene.config.ts': 'export default {}' })
    await expect(loadConfig(undefined, dir)).rejects.toThrow(
      'there must be one configuration, found learngene.config.ts and learngene.config.json; remove one, or name the one you mean with --config',
    )
    expect(await loadConfig('learngene.config.json', dir)).toEqual({ file: 'learngene.config.json', value: {} })
  })

  it('a named file alone, and none but that', async () => {
    const dir = await folder({ 'learngene.config.json': '{}' })
    await expect(loadConfig('other.json', dir)).rejects.toThrow('the configuration other.json cannot be read (ENOENT)')
    await expect(loadConfig('.', dir)).rejects.toThrow('the configuration . cannot be read (EISDIR)')
  })
})

describe('modules', () => {
  it.each<[string, string]>([
    ['object.ts', 'interface X { a: number }\nexport default { a: 1 } satisfies X'],
    ['function.ts', 'export default function config() { return { a: 1 } }'],
    ['async.mts', 'export default async () => ({ a: await Promise.resolve(1) })'],
    ['awaiting.ts', 'const a = await Promise.resolve(1)\nexport default { a }'],
    ['promised.js', 'export default () => Promise.resolve({ a: 1 })'],
    ['bom.ts', '\uFEFFenum E { a = 1 }\r\nexport default { a: E.a }\r\n'],
    ['importing.ts', "import { a } from './a'\nexport default { a }"],
    ['plain.mjs', "import { a } from './a.mjs'\nexport default { a }"],
  ])('%s', async (name, text) => {
    const others = { 'a.ts': 'export const a: number = 1', 'a.mjs': 'export const a = 1' }
    expect(await load(name, text, others)).toEqual({ file: name, value: { a: 1 } })
  })

  it.skipIf(!isBuilt)('import this package also from a folder that has none installed', async () => {
    const text =
      "import { defineConfig } from 'learngene'\nimport { useBackend } from 'learngene/node'\nexport default defineConfig({ a: typeof useBackend })"
    expect(await load('own.ts', text)).toEqual({ file: 'own.ts', value: { a: 'function' } })
  })

  it("import the command's own TensorFlow.js, so that functions in them compute on its backend", async () => {
    // Where a user's configuration is: in a folder from which the packages are found.
    const file = fileURLToPath(new URL('shared-modules.fixture.ts', import.meta.url))
    const loaded = await loadConfig(file, root)
    expect(loaded?.value.engine).toBe(engine())
  })
})

describe('JSON', () => {
  it('may begin with a byte order mark and have lines of Windows', async () => {
    expect(await load('c.json', '\uFEFF{\r\n  "a": [1, 2],\r\n  "b": {}\r\n}\r\n')).toEqual({ file: 'c.json', value: { a: [1, 2], b: {} } })
  })

  it.each<[string, number]>([
    ['{ "a": 1,\n  "b": 2,\n}', 3],
    ['{\n  "a": 1\n  "b": 2\n}', 3],
    ['{\n  "a": [1, 2,\n  3,,\n  4]\n}', 3],
    ['{\n  // a comment\n  "a": 1\n}', 2],
    ["{\n  'a': 1\n}", 2],
    ['{\r\n  "a": 1,\r\n  "b": tru\r\n}', 3],
    ['{\n  "a": "unclosed\n}', 2],
    ['{\n  "a": 1\n', 3],
    ['{}\n\nx', 3],
    ['', 1],
    ['{ "a": 01 }', 1],
    ['{ "a": "\\x" }', 1],
    ['{ "a": True }', 1],
  ])('%j stops being JSON at line %d', async (text, line) => {
    const error = await load('c.json', text).catch((error: Error) => error)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toMatch(new RegExp(`^c\\.json:${line}: must be JSON: [^\\n]+$`))
  })
})

describe('what cannot be taken is told in one line, with the file', () => {
  it.each<[string, string, RegExp]>([
    ['syntax.ts', 'const a = 1\n\nexport default { a: , }', /^syntax\.ts:3: syntax error: Unexpected token$/],
    ['syntax.mjs', 'export default {\n  a: 1\n', /^syntax\.mjs:3: syntax error: Unexpected token, expected ","$/],
    ['importing.ts', "import { a } from './broken'\nexport default { a }", /^importing\.ts: .*broken\.ts:2: syntax error: .+$/],
    ['unfound.ts', "import { a } from './nowhere'\nexport default { a }", /^unfound\.ts: it throws: Cannot find module '.\/nowhere'.*$/],
    ['package.ts', "import { a } from 'no-such-package'\nexport default { a }", /^package\.ts.*no-such-package.*$/],
    ['throwing.ts', 'const a: number = 1\n\nthrow new Error("no\\n  luck")\nexport default { a }', /^throwing\.ts:3: it throws: no luck$/],
    ['function.ts', 'export default () => {\n  throw new Error("no luck")\n}', /^function\.ts:2: it throws: no luck$/],
    ['rejecting.ts', 'export default () => Promise.reject("no luck")', /^rejecting\.ts: it throws: no luck$/],
    ['undefined.ts', 'null!.x\nexport default {}', /^undefined\.ts:1: it throws: Cannot read properties of null \(reading 'x'\)$/],
    ['none.ts', 'export const config = {}\nexport const b = 1', /^none\.ts must have a default export, .*; it exports b, config$/],
    ['empty.ts', '', /^empty\.ts must have a default export, .*; it exports nothing$/],
    ['number.ts', 'export default 3', /^number\.ts must give an object of options, it gives 3$/],
    ['list.json', '[1]', /^list\.json must give an object of options, it gives an array of 1$/],
    ['nothing.ts', 'export default () => {}', /^nothing\.ts must give an object of options, it gives nothing$/],
    ['class.ts', 'export default new Map()', /^class\.ts must give an object of options, it gives a Map$/],
    ['null.json', 'null', /^null\.json must give an object of options, it gives null$/],
    [
      'exit.ts',
      '\n\nprocess.exit(0)\nexport default {}',
      /^exit\.ts:3: it throws: it must not end the process, and calls process\.exit\(0\)$/,
    ],
    ['exiting.mjs', 'export default async () => {\n  await 0\n  process.exit()\n}', /^exiting\.mjs:3: .*calls process\.exit\(\)$/],
    ['config.yaml', 'a: 1', /^a configuration must end in \.ts, \.mts, \.js, \.mjs or \.json, got config\.yaml$/],
  ])('%s', async (name, text, message) => {
    const error = await load(name, text, { 'broken.ts': 'export const a = 1\nexport const a' }).catch((error: Error) => error)
    expect(error).toBeInstanceOf(UsageError)
    expect((error as Error).message).toMatch(message)
  })
})

describe('a promise that nothing settles', () => {
  // Node tells that nothing is left to do by this event, which tests, where there always is something, must send themselves.
  let idle: NodeJS.Timeout
  beforeAll(() => {
    idle = setInterval(() => process.emit('beforeExit', 0), 500)
  })
  afterAll(() => clearInterval(idle))

  it.each(['new Promise(() => {})', '() => new Promise(() => {})', 'await new Promise(() => {})'])(
    '%s is told with the file',
    async (text) => {
      const error = await load('waiting.ts', `export default ${text}`).catch((error: Error) => error)
      expect(error).toBeInstanceOf(UsageError)
      expect((error as Error).message).toBe(
        'waiting.ts gives a promise that nothing will ever settle; give an object of options, or a promise of one',
      )
    },
  )

  it('leaves the process as it was', async () => {
    const [{ exit }, listeners] = [process, process.listenerCount('beforeExit')]
    await load('waiting.ts', 'export default new Promise(() => {})').catch(() => {})
    await load('fine.ts', 'export default {}')
    expect(process.exit).toBe(exit)
    expect(process.listenerCount('beforeExit')).toBe(listeners)
  })
})
