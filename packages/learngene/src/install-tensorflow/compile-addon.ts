import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { ProgramError, type RunOptions, runProgram } from './run-program.js'

const compiler = () => process.env.CXX || 'g++'

/** @throws where there is no C++ compiler */
export async function assertCompiler(options: RunOptions): Promise<void> {
  await runProgram(compiler(), ['--version'], options).catch((error) => {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(
      `the C++ compiler ${compiler()} is not there, which builds the addon; install it (Debian: apt-get install g++) or name another with CXX=`,
    )
  })
}

export interface AddonParts {
  /** tfjs-node's folder. */
  readonly tfjsNode: string
  readonly headers: string
  /** The libraries that are loaded with the addon. */
  readonly libraries: readonly string[]
  /** A folder for what only the linker needs. */
  readonly stubs: string
}

/** The addon, as seen from tfjs-node's folder. */
export const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node')

/** What the compiler is told. Paths that the addon keeps are relative to it, so that the folder can be moved. */
export function compilerArguments({ tfjsNode, headers, libraries, stubs }: AddonParts): string[] {
  const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h'))
  const addon = join(tfjsNode, ADDON)
  const folders = new Set(libraries.map((file) => relative(dirname(addon), dirname(file))))
  return [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
    ...[tfjsNode, headers, nodeHeaders].map((folder) => `-I${folder}`),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(tfjsNode, 'binding', file)),
    '-Wl,--no-as-needed',
    ...libraries.map((file) => join(stubs, basename(file))),
    // A function that the libraries lack is to be an error when the addon is loaded, not the end of the process when it is called.
    '-Wl,-z,now',
    // The libraries' own libraries are looked for in these folders too.
    '-Wl,--disable-new-dtags',
    ...[...folders].map((folder) => `-Wl,-rpath,$ORIGIN/${folder}`),
    ...['-o', addon],
  ]
}

/**
 * Compiles the addon. It is linked against empty libraries of the same names: the linker would take half a minute to read TensorFlow's
 * 800 MB, and what it would check is checked when the addon is loaded.
 */
export async function compileAddon(parts: AddonParts, options: RunOptions): Promise<void> {
  await mkdir(dirname(join(parts.tfjsNode, ADDON)), { recursive: true })
  await mkdir(parts.stubs, { recursive: true })
  try {
    for (const name of parts.libraries.map((file) => basename(file))) {
      await runProgram(compiler(), ['-shared', '-x', 'c++', '/dev/null', `-Wl,-soname,${name}`, '-o', join(parts.stubs, name)], options)
    }
    await runProgram(compiler(), compilerArguments(parts), options)
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(
      `the addon does not compile against this TensorFlow (${error.message}); take the wheel that this command takes by itself`,
    )
  }
}
