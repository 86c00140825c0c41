import type { Io } from './io.js'
import { main } from './main.js'

/** Runs the command in this process and gives what it printed, to an output of one's own as well where there is one. */
export async function run(argv: readonly string[], { signal = new AbortController().signal, env = {}, ...own }: Partial<Io> = {}) {
  const printed = { stdout: '', stderr: '' }
  const output = (name: keyof typeof printed): Io['stdout'] => ({
    write(text) {
      printed[name] += text
      own[name]?.write(text)
    },
  })
  const code = await main(argv, { stdout: output('stdout'), stderr: output('stderr'), signal, env })
  return { code, ...printed }
}
