import { spawn } from 'node:child_process'

/** A program that is not there (`exitCode` undefined), or that failed. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  constructor(
    message: string,
    readonly exitCode: number | undefined,
    readonly output: string,
  ) {
    super(message)
  }

  get missing(): boolean {
    return this.exitCode === undefined
  }
}

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process' environment. */
  readonly env?: { readonly [name: string]: string }
  /** Ends the program. */
  readonly signal: AbortSignal
}

/**
 * Runs a program to its end.
 *
 * @returns what it printed on stdout
 * @throws {ProgramError} where it cannot be started or fails, with the line of its output that says most
 */
export function runProgram(file: string, args: readonly string[], { cwd, env, signal }: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, signal, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' || error.code === 'EACCES' ? new ProgramError(`${file} is not there`, undefined, '') : error)
    })
    child.on('close', (code, killedBy) => {
      if (code === 0) return resolve(stdout)
      const end = killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code}`
      const line = tellingLine(stderr) ?? tellingLine(stdout)
      reject(new ProgramError(`${file} ${end}${line ? `: ${line}` : ''}`, code ?? 128, `${stdout}\n${stderr}`))
    })
  })
}

/** The first line that speaks of an error, else the last one. */
export function tellingLine(output: string): string | undefined {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.find((line) => /\berror\b|cannot|fatal/i.test(line)) ?? lines.at(-1)
}
