import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes shell scripts that stand for programs.
 *
 * @returns options under which they are all the programs that there are
 */
export async function programs(directory: string, scripts: { readonly [name: string]: string }) {
  await mkdir(directory, { recursive: true })
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(directory, name), 0o755)
  }
  return { env: { PATH: directory }, signal: new AbortController().signal }
}
