import type { Io } from './io.js'
import { main } from './main.js'

/** Runs the command in this process and gives what it printed. */
export async function run(argv: readonly string[], { signal = new AbortController().signal, env = {} }: Partial<Io> = {}) {
  let [stdout, stderr] = ['', '']
  const io: Io = {
    stdout: {
      write(text) {
        stdout += text
      },
    },
    stderr: {
      write(text) {
        stderr += text
      },
    },
    signal,
    env,
  }
  const code = await main(argv, io)
  return { code, stdout, stderr }
}
