import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { build } from 'esbuild'
import { chromium } from 'playwright'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { webpack } from 'webpack'

// Installs the packed tarballs into an empty folder, as a user would, and runs every package's README example in plain Node.

const root = fileURLToPath(new URL('..', import.meta.url))
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const packages = readdirSync(join(root, 'packages'))
  .map((folder) => ({
    folder: join(root, 'packages', folder),
    manifest: JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as { name: string; private?: boolean },
  }))
  .filter(({ manifest }) => !manifest.private)
const backends = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm']
let project: string
let tarballOf: ReadonlyMap<string, string>

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'learngene-packed-'))
  const tarballs = join(project, 'tarballs')
  mkdirSync(tarballs)
  const arguments_ = packages.flatMap(({ manifest }) => ['-w', manifest.name])
  const packed = execFileSync(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', tarballs, ...arguments_], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = Object.values(JSON.parse(packed)) as { name: string; filename: string }[]
  tarballOf = new Map(files.map(({ name, filename }) => [name, join(tarballs, filename)]))
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: {
        ...Object.fromEntries(files.map(({ name, filename }) => [name, `file:tarballs/${filename}`])),
        ...Object.fromEntries(backends.map((name) => [name, rootManifest.devDependencies[name]])),
      },
    }),
  )
  execFileSync(npm, ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], { cwd: project, stdio: 'pipe' })
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('packed packages in plain Node', () => {
  it.each(packages.map(({ folder, manifest }) => [manifest.name, folder] as const))('%s: the README example runs', (name, folder) => {
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(folder, 'README.md'), 'utf8').replaceAll('\r\n', '\n'))?.[1]
    expect(example, `${name} must have an example in a ts block in its README`).toBeDefined()
    const file = join(project, `${name.replace('@learngene/', '')}.mjs`)
    writeFileSync(file, example!)
    expect(() => execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8', stdio: 'pipe', timeout: 60_000 })).not.toThrow()
  })

  it('learngene alone has the library and the command', () => {
    const file = join(project, 'everything.mjs')
    const names = ['run', 'forward', 'inheritTiers', 'ridge', 'imageFolder', 'loadViT', 'classify', 'useBackend']
    writeFileSync(
      file,
      `import * as all from 'learngene/node'\nconsole.log(JSON.stringify(${JSON.stringify(names)}.filter((name) => !(name in all))))`,
    )
    expect(JSON.parse(execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8', stdio: 'pipe' }))).toEqual([])
    const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx'
    const printed = execFileSync(npx, ['learngene', 'paths', '--widths', '192,768', '--depth', '9', '--count', '--json'], {
      cwd: project,
      encoding: 'utf8',
    })
    expect(JSON.parse(printed).count).toBeGreaterThan(1)
  })

  it('registers gradients without a bundler', () => {
    const file = join(project, 'gradients.mjs')
    writeFileSync(
      file,
      `import '@tensorflow/tfjs-backend-cpu'
       import { grad, setBackend, square, sum, tensor1d, concat } from '@tensorflow/tfjs-core'
       import '@learngene/ops/gradients'
       await setBackend('cpu')
       console.log(JSON.stringify([...grad((x) => sum(square(concat([x, x]))))(tensor1d([1, 2])).dataSync()]))`,
    )
    const printed = execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8', stdio: 'pipe' })
    expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toEqual([4, 8])
  })
})

describe('packed packages for TypeScript', () => {
  it.each(packages.map(({ manifest: { name } }) => name))('%s: types are found as its code is, by Node and by bundlers', async (name) => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarballOf.get(name)!)))
    if (!analysis.types) throw new Error(`${name} has no types`)
    // Packages are modules: who requires them, or resolves as Node 10 did, is told so.
    const told = ['node10', 'node16-cjs']
    expect(analysis.problems.filter((problem) => !('resolutionKind' in problem && told.includes(problem.resolutionKind)))).toEqual([])
  })

  it.each(packages.map(({ manifest: { name } }) => name))('%s: holds what its manifest says, as publint has it', async (name) => {
    const packed = readFileSync(tarballOf.get(name)!)
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(packed).buffer }, strict: true, level: 'warning' })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  it.each(packages.map(({ manifest: { name }, folder }) => [name, folder] as const))('%s: brings the licence', (name, folder) => {
    const packed = join(project, 'node_modules', name, 'LICENSE')
    expect(readFileSync(packed, 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
  })
})

describe('packed packages in programs of others', () => {
  const tool = (name: string) => join(root, 'node_modules', name)
  const run = (...command: string[]) =>
    execFileSync(process.execPath, command, { cwd: project, encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 })

  it.each(['bundler', 'nodenext'])('TypeScript, strict, reads the types of all entries with %s resolution', (moduleResolution) => {
    const entries = packages.flatMap(({ folder, manifest: { name } }) => {
      const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { exports: Record<string, { types?: string }> }
      return Object.entries(exports).flatMap(([entry, { types }]) => (types === undefined ? [] : [entry.replace('.', name)]))
    })
    const file = join(project, `${moduleResolution}.mts`)
    const imports = entries.map((entry, i) => `import * as e${i} from '${entry}'`)
    // One wrong call, so that types that were not found, which are any, are seen.
    const use = `import { forward } from '@learngene/vit-blocks'\n// @ts-expect-error a model is no number\nforward(1, 2)`
    writeFileSync(file, `${imports.join('\n')}\nexport const all = [${entries.map((_, i) => `e${i}`)}]\n${use}\n`)
    const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext'
    // tfjs-core's own declarations name a type that none has: who uses it has those of libraries skipped.
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2022',
      '--module',
      module,
      '--moduleResolution',
      moduleResolution,
      '--types',
      'node',
    ]
    expect(run(join(tool('typescript'), 'bin/tsc'), ...options, '--typeRoots', tool('@types'), file)).toBe('')
  })

  const page = `
    import '@tensorflow/tfjs-backend-cpu'
    import { ones, setBackend } from '@tensorflow/tfjs-core'
    import { createRng } from '@learngene/training'
    import { createViT, forward } from '@learngene/vit-blocks'
    import { createStitch } from '@learngene/stitch'
    await setBackend('cpu')
    const network = createViT({ imageSize: 8, patchSize: 4, channels: 1, width: 12, depth: 1, heads: 3, classes: 5 }, createRng(0))
    globalThis.parts = { logits: forward(network, ones([2, 8, 8, 1])).logits.shape, createStitch }`

  const bundlers = {
    esbuild: (entry: string, dir: string) => build({ entryPoints: [entry], bundle: true, format: 'esm', outfile: join(dir, 'page.js') }),
    Vite(entry: string, dir: string) {
      const config = join(project, 'vite.config.mjs')
      const lib = `{ entry: ${JSON.stringify(entry)}, formats: ['es'], fileName: () => 'page.js' }`
      writeFileSync(config, `export default { logLevel: 'error', build: { lib: ${lib} } }`)
      run(join(tool('vite'), 'bin/vite.js'), 'build', '--outDir', dir, '--config', config)
    },
    async webpack(entry: string, dir: string) {
      const compiler = webpack({ context: project, entry, mode: 'production', target: 'web', output: { path: dir, filename: 'page.js' } })
      const stats = await promisify(compiler!.run.bind(compiler))()
      await promisify(compiler!.close.bind(compiler))()
      expect(stats!.toJson({ all: false, errors: true }).errors).toEqual([])
    },
  }

  it.each(Object.entries(bundlers))('%s bundles them for a page, with nothing of Node', async (name, bundle) => {
    const entry = join(project, `${name}.mjs`)
    writeFileSync(entry, page)
    const dir = join(project, `bundled-${name}`)
    await bundle(entry, dir)
    const bundled = readFileSync(join(dir, 'page.js'), 'utf8')
    expect(bundled).toContain('globalThis.parts')
    expect(bundled).not.toMatch(/(?:from|require\(|import\() ?['"]node:/)
  })

  const executablePath = inject('chromium')
  const missing = executablePath === null ? ' (skipped: there is no Chromium)' : ''
  const wanted = inject('required').includes('chromium')
  it.skipIf(executablePath === null && !wanted).each(Object.keys(bundlers))(
    `what %s has bundled runs in a page${missing}`,
    async (name) => {
      const browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-background-networking'] })
      try {
        const page = await browser.newPage()
        const errors: Error[] = []
        page.on('pageerror', (error) => errors.push(error))
        // Over HTTP, as pages are served: parts that are loaded on demand are found beside the first.
        await page.route('http://bundled.test/**', (route) => {
          const { pathname } = new URL(route.request().url())
          return pathname === '/'
            ? route.fulfill({ contentType: 'text/html', body: '<script type="module" src="page.js"></script>' })
            : route.fulfill({ path: join(project, `bundled-${name}`, pathname) })
        })
        await page.goto('http://bundled.test/')
        await page.waitForFunction('globalThis.parts !== undefined').catch((error) => Promise.reject(errors[0] ?? error))
        expect(await page.evaluate('[globalThis.parts.logits, typeof globalThis.parts.createStitch]')).toEqual([[2, 5], 'function'])
        expect(errors).toEqual([])
      } finally {
        await browser.close()
      }
    },
  )
})
