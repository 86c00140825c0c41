import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { engine } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { wasm } from './wasm.js'

const installed = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
const FILES = ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm']
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'learngene-wasm-'))
})
afterAll(() => rmSync(directory, { recursive: true }))
beforeEach(() => {
  engine().registry.wasm?.dispose()
  delete engine().registry.wasm
})

test('starts from the installed package, and twice is once', async () => {
  const started = await wasm.start({})
  expect(started.version).toBe('4.22.0')
  expect(started.features).toEqual(['simd', 'threads 1', 'memory limit 4 GiB'])
  const instance = engine().registry.wasm
  await wasm.start({})
  expect(engine().registry.wasm).toBe(instance)
})

test('takes a directory with or without its slash, and an address per file', async () => {
  const map = Object.fromEntries(FILES.map((file) => [file, pathToFileURL(join(installed, file)).href]))
  for (const wasmPaths of [installed, `${installed}/`, map]) {
    await expect(wasm.start({ wasmPaths })).resolves.toMatchObject({ version: '4.22.0' })
    delete engine().registry.wasm
  }
})

test('a file that is not there names itself and the option, and the next start works', async () => {
  const wasmPaths = join(directory, 'nowhere')
  await expect(wasm.start({ wasmPaths })).rejects.toThrow(
    new RegExp(`^the wasm file ${wasmPaths}/tfjs-backend-wasm-simd\\.wasm cannot be read \\(ENOENT.*\\); pass .* options\\.wasmPaths$`),
  )
  await expect(wasm.start({})).resolves.toMatchObject({ version: '4.22.0' })
})

test('a file that is not WebAssembly says so with its length, and the next start works', async () => {
  for (const file of FILES) writeFileSync(join(directory, file), 'not wasm')
  await expect(wasm.start({ wasmPaths: directory })).rejects.toThrow(/-simd\.wasm \(8 bytes\) is not a valid WebAssembly module; install/)
  await expect(wasm.start({})).resolves.toMatchObject({ version: '4.22.0' })
})
