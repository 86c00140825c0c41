import { join } from 'node:path'
import type { TensorFlowName } from '@learngene/backends'
import type { ReferenceCheck } from '@learngene/vit-blocks'
import { packageRoot } from '../package-root.js'
import { ProgramError, type RunOptions, runProgram } from './run-program.js'

export type Verification = Pick<ReferenceCheck, 'errors' | 'tolerances' | 'pass'>

/**
 * Checks the installed backend against PyTorch's numbers, in a process of its own: an addon that crashes ends only that one, and a
 * TensorFlow that this process has loaded does not get in the way.
 *
 * @throws where the backend does not start or computes something else, with what `learngene verify` said
 */
export async function verifyInstallation(name: TensorFlowName, options: RunOptions): Promise<Verification> {
  const command = join(packageRoot, 'bin', 'learngene.js')
  try {
    const { errors, tolerances, pass } = JSON.parse(
      await runProgram(process.execPath, [command, 'verify', '--backend', name, '--json'], options),
    )
    return { errors, tolerances, pass }
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    throw new Error(/^learngene: (.+)$/m.exec(error.output)?.[1] ?? error.message)
  }
}
