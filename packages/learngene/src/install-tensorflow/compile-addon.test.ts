import { rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { assertCompiler, compileAddon, compilerArguments } from './compile-addon.js'
import { programs } from './programs.fixture.js'

const parts = {
  tfjsNode: '/p/tfjs-node',
  headers: '/p/include',
  libraries: ['/p/tfjs-node/deps/nvidia/cublas/lib/libcublas.so.12', '/p/tfjs-node/deps/lib/libtensorflow_cc.so.2'],
  stubs: '/p/stubs',
}

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rm(root, { recursive: true }))

it('links what TensorFlow opens by name before TensorFlow, by paths relative to the addon', () => {
  const args = compilerArguments(parts)
  expect(args.slice(args.indexOf('-Wl,--no-as-needed') + 1, args.indexOf('-Wl,-z,now'))).toEqual([
    '/p/stubs/libcublas.so.12',
    '/p/stubs/libtensorflow_cc.so.2',
  ])
  expect(args.filter((arg) => arg.includes('rpath'))).toEqual([
    '-Wl,-rpath,$ORIGIN/../../deps/nvidia/cublas/lib',
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
  ])
  expect(args.slice(-2)).toEqual(['-o', '/p/tfjs-node/lib/napi-v8/tfjs_binding.node'])
})

it("finds Node's headers in a package", () => {
  expect(compilerArguments(parts).filter((arg) => /^-I.*node-api-headers.include$/.test(arg))).toHaveLength(1)
})

it('says how to get a compiler, and that CXX names another', async () => {
  const options = await programs(`${root}/none`, {})
  vi.stubEnv('CXX', '')
  await expect(assertCompiler(options)).rejects.toThrow(
    /^the C\+\+ compiler g\+\+ is not there.*apt-get install g\+\+\) or name another with CXX=$/,
  )
  vi.stubEnv('CXX', 'clang++')
  await expect(assertCompiler(options)).rejects.toThrow('the C++ compiler clang++ is not there')
  await assertCompiler(await programs(`${root}/some`, { 'clang++': 'exit 0' }))
})

it('says what the compiler said', async () => {
  vi.stubEnv('CXX', 'broken')
  const options = await programs(`${root}/broken`, { broken: 'echo "c_api.h:1:1: error: unknown" >&2; exit 1' })
  const mine = { tfjsNode: `${root}/tfjs-node`, headers: root, libraries: ['/a/libtensorflow_cc.so.2'], stubs: `${root}/stubs` }
  await expect(compileAddon(mine, options)).rejects.toThrow(
    'does not compile against this TensorFlow (broken ended with exit code 1: c_api.h:1:1: error: unknown)',
  )
})
