import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { given } from './given.js'
import { type Fence, fences, root } from './pages.js'

// The examples of the docs are typed, and those that can be are run.

const declarations = join(root, 'packages/learngene/dist/node.d.ts')
const unbuilt = existsSync(declarations) ? '' : ' (skipped: packages are not built, run npm run build)'

describe.skipIf(unbuilt !== '')(`examples${unbuilt}`, () => {
  const examples = fences.filter(({ info }) => /^(ts|js|typescript)\b/.test(info))
  const placeOf = ({ page, line }: Fence) => `${page}:${line}`
  /** Each of which can be copied as it stands; all others may go on from what their page, or a list here, takes for granted. */
  const isWhole = ({ info }: Fence) => info === 'ts run'
  /** The tests of the packed packages run these, as the plain JavaScript that they are: TensorFlow.js's types want more of their tensors than that has. */
  const isPackedExample = (example: Fence) =>
    example.page.startsWith('packages/') && example === examples.find(({ page, info }) => page === example.page && info === 'ts')
  const givenOf = ({ page, code }: Fence) => given.find((each) => each.page === page && code.split('\n').includes(each.line))
  const sourceOf = (example: Fence) => {
    const { before = '', after = '' } = givenOf(example) ?? {}
    return { source: `${before}\n${example.code}\n${after}\nexport {}\n`, shift: `${before}\n`.split('\n').length - 1 }
  }
  let folder: string
  const fileOfExample = (example: Fence) => join(folder, `example-${examples.indexOf(example)}.ts`)

  beforeAll(() => {
    // Inside node_modules, from where the packages are found as they are by users.
    folder = mkdtempSync(join(root, 'node_modules/.docs-'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const example of examples) writeFileSync(fileOfExample(example), sourceOf(example).source)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('have what is given for them, each of which is a line of one', () => {
    const found = given.map(
      ({ page, line }) => examples.filter((each) => each.page === page && each.code.split('\n').includes(line)).length,
    )
    expect(found).toEqual(given.map(() => 1))
  })

  it.each([
    { what: 'those that run as they stand strictly', isChecked: isWhole, loosened: {} },
    {
      what: 'all others as loosely as JavaScript is',
      isChecked: (example: Fence) => !isWhole(example),
      loosened: { strict: false, noUncheckedIndexedAccess: false, noUnusedParameters: false },
    },
  ])('are typed: $what', ({ isChecked, loosened }) => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
    const checked = examples.filter(isChecked)
    expect(checked.length).toBeGreaterThan(0)
    const program = ts.createProgram(checked.map(fileOfExample), {
      ...options,
      ...loosened,
      noUnusedLocals: false,
      typeRoots: [join(root, 'node_modules/@types')],
    })
    // No such name, with and without one that is similar; no such export, no such module.
    const ofNames = new Set([2304, 2305, 2307, 2552, 2724])
    const errors = checked.flatMap((example) =>
      program
        .getSemanticDiagnostics(program.getSourceFile(fileOfExample(example)))
        .filter(({ code }) => !isPackedExample(example) || ofNames.has(code))
        .map(({ start = 0, file, messageText }) => {
          const line = example.line + (file?.getLineAndCharacterOfPosition(start).line ?? 0) - sourceOf(example).shift
          return `${example.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
        }),
    )
    expect(errors).toEqual([])
  })

  const running = examples.filter((example) => isWhole(example) || givenOf(example)?.runs)
  it.each(running.map((example) => [placeOf(example), example] as const))('%s runs', (_, example) => {
    const dir = mkdtempSync(join(folder, 'run-'))
    const write = (name: string, of: Fence) => {
      const { outputText } = ts.transpileModule(sourceOf(of).source, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      })
      writeFileSync(join(dir, name), outputText)
    }
    write('main.js', example)
    for (const [name, line] of Object.entries(givenOf(example)?.files ?? {}))
      write(name, examples.find(({ page, code }) => page === example.page && code.split('\n').includes(line))!)
    expect(() =>
      execFileSync(process.execPath, [join(dir, 'main.js')], { cwd: dir, encoding: 'utf8', stdio: 'pipe', timeout: 120_000 }),
    ).not.toThrow()
  })
})
