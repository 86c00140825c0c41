import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const program = `
import { useBackend } from '@learngene/backends'
import { matMul, ones, sum } from '@tensorflow/tfjs-core'
try {
  await useBackend('webgpu')
  console.log((await sum(matMul(ones([8, 8]), ones([8, 8]))).data())[0])
} catch (error) {
  console.log(error.message)
}`

test('a process that used webgpu ends by itself', async (context) => {
  const options = { cwd: root, timeout: 60_000 }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options)
  if (/cannot be started/.test(stdout) && !inject('required').includes('webgpu')) context.skip(stdout.trim())
  expect(stdout).toBe('512\n')
})
