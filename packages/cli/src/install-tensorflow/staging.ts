import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Lets `build` fill a folder beside `directory` and puts that in its place when it is complete, so that whatever interrupts it leaves the
 * earlier one as it was. Folders that a killed process left are removed.
 */
export async function replaceDirectory(directory: string, build: (staging: string) => Promise<void>): Promise<void> {
  const parent = dirname(directory)
  const prefix = `.${basename(directory)}-`
  await mkdir(parent, { recursive: true })
  await removeLeftovers(parent, prefix)
  const [staging, old] = ['new', 'old'].map((state) => join(parent, `${prefix}${process.pid}-${state}`)) as [string, string]
  try {
    await mkdir(staging)
    await build(staging)
    await rename(directory, old).catch((error) => {
      if (error.code !== 'ENOENT') throw error
    })
    await rename(staging, directory)
  } finally {
    for (const folder of [staging, old]) await rm(folder, { recursive: true, force: true })
  }
}

async function removeLeftovers(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) && Number(/^(\d+)-(?:new|old)$/.exec(name.slice(prefix.length))?.[1])
    if (pid && (pid === process.pid || !isAlive(pid))) await rm(join(parent, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
