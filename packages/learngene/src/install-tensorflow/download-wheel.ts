import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ProgramError, type RunOptions, runProgram } from './run-program.js'

const INVOCATIONS = [['python3', '-m', 'pip'], ['pip3'], ['pip'], ['python', '-m', 'pip']] as const satisfies readonly (readonly [
  string,
  ...string[],
])[]

/** Runs pip with arguments of its own. */
export type Pip = (args: readonly string[]) => Promise<string>

/** The first pip that answers. @throws where there is none */
export async function findPip(options: RunOptions): Promise<Pip> {
  for (const [file, ...before] of INVOCATIONS) {
    try {
      await runProgram(file, [...before, '--version'], options)
      const quiet = ['--disable-pip-version-check', '--no-input']
      return (args) => runProgram(file, [...before, ...args, ...quiet], options)
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error
    }
  }
  throw new Error(
    'pip is not there, which downloads TensorFlow; install it (Debian: apt-get install python3-pip) or give a TensorFlow wheel with --wheel FILE',
  )
}

/** A Python that every wheel is built for: its libraries are the same for all of them, and pip's own Python may be too new or too old. */
const OTHER_PYTHON = ['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312']

/**
 * Lets pip download one wheel without what it depends on.
 *
 * @returns the wheel's path
 */
export async function downloadWheel(pip: Pip, requirement: string, directory: string, arch: string): Promise<string> {
  const download = (...target: readonly string[]) =>
    pip(['download', '--no-deps', '--only-binary=:all:', '--progress-bar=off', '--dest', directory, ...target, requirement])
  const platform = ['--platform', `manylinux_2_27_${arch === 'arm64' ? 'aarch64' : 'x86_64'}`]
  try {
    await download().catch((error) => {
      if (!(error instanceof ProgramError) || !error.output.includes('No matching distribution')) throw error
      return download(...platform, ...OTHER_PYTHON)
    })
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(
      `pip cannot download ${requirement} (${error.message}); look at its network and index settings, or bring the wheel here by other means and give it with --wheel FILE`,
    )
  }
  const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error(`pip ended well and left no wheel of ${requirement}; give one with --wheel FILE`)
  return join(directory, wheel)
}
