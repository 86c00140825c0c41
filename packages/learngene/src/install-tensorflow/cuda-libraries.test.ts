import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { installCudaLibraries } from './cuda-libraries.js'
import { ProgramError } from './run-program.js'

let root: string
beforeEach(async () => {
  root = await temporaryDirectory()
})
afterEach(() => rm(root, { recursive: true }))

it('asks pip for what the wheel names, and finds what TensorFlow opens', async () => {
  const asked: string[][] = []
  const found = await installCudaLibraries(
    async (args) => {
      asked.push([...args])
      for (const file of [
        'cudnn/lib/libcudnn.so.9',
        'cudnn/lib/libcudnn_ops.so.9',
        'cublas/lib/libcublas.so.12',
        'cublas/include/cublas.h',
      ]) {
        await mkdir(join(root, 'nvidia', file, '..'), { recursive: true })
        await writeFile(join(root, 'nvidia', file), '')
      }
      return ''
    },
    ['nvidia-cudnn-cu12<10.0', 'nvidia-cublas-cu12<13.0'],
    root,
  )
  expect(asked).toEqual([
    [
      'install',
      '--no-deps',
      '--only-binary=:all:',
      '--progress-bar=off',
      '--target',
      root,
      'nvidia-cudnn-cu12<10.0',
      'nvidia-cublas-cu12<13.0',
    ],
  ])
  expect(found).toEqual([join(root, 'nvidia/cublas/lib/libcublas.so.12'), join(root, 'nvidia/cudnn/lib/libcudnn.so.9')])
})

it('says why there are none', async () => {
  const failing = () => Promise.reject(new ProgramError('pip ended with exit code 1: ERROR: no network', 1, ''))
  await expect(installCudaLibraries(failing, ['nvidia-cudnn-cu12'], root)).rejects.toThrow(
    'pip cannot bring the CUDA libraries (pip ended with exit code 1: ERROR: no network)',
  )
  await expect(installCudaLibraries(failing, [], root)).rejects.toThrow('the wheel names no CUDA libraries')
})
