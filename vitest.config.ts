import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { chromium as bundled } from 'playwright'
import { configDefaults, defineConfig } from 'vitest/config'
import { findChromium, webgpuArguments } from './.ci/chromium.js'

const packages = fileURLToPath(new URL('./packages/', import.meta.url))

/** Tests that run on every backend: under Node, and once more in a page. */
const testsOfBackends = 'packages/*/src/**/*.backends.test.ts'

/** Tests of what only a page has. */
const testsOfPages = 'packages/*/src/**/*.chromium.test.ts'

/** Packages whose tests leave the process as another file can use it, so that files share the modules that they load: most of what a small file takes. */
const shared = [
  ...['bench', 'budget-search', 'compile-step', 'datasets', 'distill-losses', 'export', 'fashion-mnist', 'inherit'],
  ...['interfaces', 'learngene', 'learngene-pool', 'recipe', 'stitch', 'training', 'vit-blocks'],
]
const testsThatShare = `packages/{${shared}}/src/**/*.test.ts`

/** Tests in those packages that mock modules, run on a GPU, or need a process in which no backend was registered. */
const testsAlone = 'packages/*/src/**/*.isolated.test.ts'

/** Tests of minutes, left out of `npm test` and of no other: whole runs of the command, killed, in many processes, measured, and the packed packages installed. */
const testsOfMinutes = '**/*.long.test.ts'

/** Backends that may not be missing, and `chromium` for the page: tests of a missing one fail instead of being skipped. */
const required = (process.env.LEARNGENE_REQUIRE_BACKENDS ?? '').split(',').filter(Boolean)
const chromium = findChromium(bundled.executablePath())

/** Whether webgpu in the page must run on a GPU, and a software adapter is a failure. */
const onGpu = process.env.LEARNGENE_GPU === '1'

// Without a GPU, webgpu under Node runs on the software driver that comes with Chromium; the machine's own drivers stay in the list.
const softwareDriver = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (existsSync(softwareDriver) && process.env.VK_ICD_FILENAMES === undefined) process.env.VK_ADD_DRIVER_FILES ??= softwareDriver
process.env.XDG_RUNTIME_DIR ??= tmpdir()

/** Tests run on sources, so that no build is needed and a failing line is a line somebody wrote. */
export const aliases = [
  { find: /^learngene$/, replacement: `${packages}learngene/src/index.ts` },
  { find: /^@learngene\/([^/]+)$/, replacement: `${packages}$1/src/index.ts` },
  { find: /^@learngene\/([^/]+)\/([^.]+)$/, replacement: `${packages}$1/src/$2.ts` },
]

export default defineConfig({
  resolve: { alias: aliases },
  test: {
    maxWorkers: '100%',
    // Generous, for machines that are slow or busy: no test waits for time to pass.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // More than 400 modules of TensorFlow.js, bundled once: loading each by itself takes 4 s of every file that trains.
    deps: { optimizer: { ssr: { enabled: true, include: ['@tensorflow/tfjs-core/dist/register_all_gradients'] } } },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: [testsThatShare],
          exclude: [...configDefaults.exclude, testsOfBackends, testsOfPages, testsAlone, testsOfMinutes],
          pool: 'forks',
          isolate: false,
          setupFiles: 'packages/testing/src/on-cpu.setup.ts',
          provide: { required, chromium },
        },
      },
      {
        extends: true,
        test: {
          name: 'isolated',
          include: [
            ...['.ci/*.test.ts', 'examples/**/*.test.ts', 'benchmarks/**/*.test.ts', 'site/*.test.ts'],
            `packages/!(${shared.join('|')})/src/**/*.test.ts`,
            testsAlone,
          ],
          exclude: [...configDefaults.exclude, testsOfBackends, testsOfPages, testsOfMinutes],
          pool: 'forks',
          provide: { required, chromium },
        },
      },
      {
        extends: true,
        test: { name: 'long', include: [testsOfMinutes], pool: 'forks', provide: { required, chromium } },
      },
      {
        extends: true,
        test: {
          name: 'backends',
          include: [testsOfBackends],
          pool: 'forks',
          // A software GPU takes 0.3 s to compile each of some hundred shaders, TensorFlow 2 s to start: files share both.
          isolate: false,
          globalSetup: 'packages/testing/src/find-available.setup.ts',
          provide: { required, chromium },
        },
      },
      ...(chromium === null ? [] : [inChromium(chromium)]),
    ],
  },
})

/** The tests of the backends that a page has, and those that only a page can run. */
function inChromium(executablePath: string) {
  const webgpu = webgpuArguments(onGpu)
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  return {
    extends: true as const,
    // Cross-origin isolated: workers may share memory.
    server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } },
    optimizeDeps: {
      // All of them before the first test: finding one later would load the page anew.
      include: [
        'fast-check',
        'hyparquet',
        'hyparquet-compressors',
        'hyparquet-writer',
        'pure-rand/generator/xoroshiro128plus',
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-core/dist/register_all_gradients',
        '@tensorflow/tfjs-backend-cpu',
        '@tensorflow/tfjs-backend-wasm',
        '@tensorflow/tfjs-backend-webgpu',
      ],
    },
    test: {
      name: 'chromium',
      include: [testsOfBackends, testsOfPages],
      isolate: false,
      provide: { required: required.includes('chromium') ? ['webgpu', 'wasm'] : [], chromium: executablePath, available: null, onGpu },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: ['--headless=new', '--no-sandbox', ...webgpu, ...quiet] } }),
        instances: [{ browser: 'chromium' as const }],
      },
    },
  }
}
