import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pip } from './download-wheel.js'
import { ProgramError } from './run-program.js'

/** Those that TensorFlow opens by name. */
const LIBRARY = /^lib(cudart|cublas|cublasLt|cudnn|cufft|cupti|curand|cusolver|cusparse|nccl|nvJitLink)\.so\.\d+$/

/**
 * Lets pip put NVIDIA's libraries into `directory/nvidia/NAME/lib`.
 *
 * @param requirements as the wheel's metadata give them
 * @returns the libraries that TensorFlow opens
 */
export async function installCudaLibraries(pip: Pip, requirements: readonly string[], directory: string): Promise<string[]> {
  if (requirements.length === 0)
    throw new Error('the wheel names no CUDA libraries (its extra and-cuda is empty); give a wheel of tensorflow 2.14 or later')
  const install = ['install', '--no-deps', '--only-binary=:all:', '--progress-bar=off', '--target', directory, ...requirements]
  await pip(install).catch((error) => {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(`pip cannot bring the CUDA libraries (${error.message}); look at its network and index settings`)
  })
  return findCudaLibraries(directory)
}

export async function findCudaLibraries(directory: string): Promise<string[]> {
  const files = await readdir(join(directory, 'nvidia'), { recursive: true, withFileTypes: true }).catch(() => [])
  return files
    .filter(({ name }) => LIBRARY.test(name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
}
