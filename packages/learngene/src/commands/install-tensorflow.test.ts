import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { metadata, wheelFiles, zip } from '../install-tensorflow/zip.fixture.js'
import { run } from '../io.fixture.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

it.skipIf(process.platform !== 'linux').each([
  ['none.whl', undefined, [], 'there is no wheel'],
  ['text.whl', 'text', [], 'is not a whole wheel'],
  ['cpu.whl', zip(wheelFiles), ['--gpu'], 'tensorflow-gpu needs a wheel of tensorflow, and'],
  [
    'numpy.whl',
    zip({ ...wheelFiles, 'tensorflow_cpu-2.21.0.dist-info/METADATA': metadata('numpy') }),
    [],
    'tensorflow needs a wheel of tensorflow_cpu or tensorflow',
  ],
])('refuses %s before anything is downloaded or written', async (name, content, more, message) => {
  const file = join(root, name)
  if (content !== undefined) await writeFile(file, content)
  const { code, stdout, stderr } = await run(['install-tensorflow', '--wheel', file, ...more, '--json'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
  expect(stderr).toContain(message)
  expect(stderr).toContain(file)
})

it.runIf(process.platform === 'darwin' || process.platform === 'win32')('says where it works, elsewhere', async () => {
  expect(await run(['install-tensorflow'])).toMatchObject({ code: 1, stderr: expect.stringContaining('supports Linux on x64 and arm64') })
})
