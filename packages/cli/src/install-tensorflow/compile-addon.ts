import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { ProgramError, type RunOptions, runProgram } from './run-program.js'

const COMPILER = process.env.CXX || 'g++'

/** @throws where there is no C++ compiler */
export async function assertCompiler(options: RunOptions): Promise<void> {
  await runProgram(COMPILER, ['--version'], options).catch((error) => {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(
      `the C++ compiler ${COMPILER} is not there, which builds the addon; install it (Debian: apt-get install g++) or name another with CXX=`,
    )
  })
}

export interface AddonParts {
  /** tfjs-node's folder. */
  readonly tfjsNode: string
  readonly libraries: string
  readonly headers: string
  /** CUDA libraries to load before TensorFlow asks for them by name. */
  readonly cuda: readonly string[]
}

/** The addon, as seen from tfjs-node's folder. */
export const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node')

/** What the compiler is told. Paths that the addon keeps are relative to it, so that the folder can be moved. */
export function compilerArguments({ tfjsNode, libraries, headers, cuda }: AddonParts): string[] {
  const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h'))
  const binding = join(tfjsNode, 'binding')
  const folders = new Set([libraries, ...cuda.map((file) => dirname(file))])
  return [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
    ...[tfjsNode, headers, nodeHeaders].map((folder) => `-I${folder}`),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(binding, file)),
    // TensorFlow opens CUDA's libraries by name; those that the addon has loaded are found.
    ...(cuda.length > 0 ? ['-Wl,--no-as-needed', '-Wl,--disable-new-dtags', '-Wl,--allow-shlib-undefined', ...cuda] : []),
    ...['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((file) => join(libraries, file)),
    ...[...folders].map((folder) => `-Wl,-rpath,$ORIGIN/${relative(dirname(join(tfjsNode, ADDON)), folder)}`),
    ...['-o', join(tfjsNode, ADDON)],
  ]
}

export async function compileAddon(parts: AddonParts, options: RunOptions): Promise<void> {
  await mkdir(dirname(join(parts.tfjsNode, ADDON)), { recursive: true })
  await runProgram(COMPILER, compilerArguments(parts), options).catch((error) => {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(
      `the addon does not compile against this TensorFlow (${error.message}); take the wheel that this command takes by itself`,
    )
  })
}
