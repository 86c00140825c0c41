import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the `package.json` of an installation says of it. */
export interface Installation {
  /** Distribution and version of the wheel, such as `tensorflow_cpu 2.21.0`. */
  readonly wheel: string
}

/** @returns undefined where nothing, or nothing whole, is installed */
export async function readInstallation(directory: string): Promise<Installation | undefined> {
  try {
    const { wheel } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
    return typeof wheel === 'string' ? { wheel } : undefined
  } catch {
    return undefined
  }
}

export function writeInstallation(directory: string, { wheel }: Installation): Promise<void> {
  const manifest = { private: true, description: 'Made by learngene install-tensorflow; can be removed.', wheel }
  return writeFile(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
