import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replaceFolder } from '@learngene/vit-blocks/node'

/** The built page with the family that comes with it: beside the built module, or, of the sources, where the build puts it. */
export const pageFolder =
  ['./page', '../../dist/page'].map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path)) ??
  fileURLToPath(new URL('./page', import.meta.url))

/** Where in a page the family's files are. */
const FAMILY_FOLDER = 'family'

/**
 * Writes the page with a family as a folder for any web host. The folder appears whole or not at all; an earlier page in its place is replaced.
 *
 * @param files of `familyFiles`; without them the family that comes with the page
 * @throws where `dir` is a file, or a folder that holds something else than a page of the studio
 */
export async function writeStudio(dir: string, files?: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await requirePage()
  await requireReplaceable(dir)
  await replaceFolder(dir, async (path) => {
    await cp(pageFolder, path, { recursive: true, filter: (from) => !files || relative(pageFolder, from).split(sep)[0] !== FAMILY_FOLDER })
    if (files) {
      await mkdir(join(path, FAMILY_FOLDER))
      for (const [file, bytes] of files) await writeFile(join(path, FAMILY_FOLDER, file), bytes)
    }
    await writeFile(join(path, 'files.json'), `${JSON.stringify(await listed(path))}\n`)
  })
}

/** All that a visitor's browser keeps for visits without a network. */
async function listed(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !['sw.js', 'files.json'].includes(entry.name))
    .map(({ parentPath, name }) => relative(dir, join(parentPath, name)).split(sep).join('/'))
    .sort()
}

async function requirePage(): Promise<void> {
  const built = await stat(join(pageFolder, 'index.html')).catch(() => undefined)
  if (!built)
    throw new Error(`the studio's page is not built: there is no ${join(pageFolder, 'index.html')}; run npm run build in its package`)
}

async function requireReplaceable(dir: string): Promise<void> {
  const found = await stat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`${dir} cannot be written: ${error.message}`)
  })
  if (!found) return
  if (!found.isDirectory()) throw new Error(`${dir} is a file; name a folder for the page`)
  const entries = await readdir(dir)
  if (entries.length === 0) return
  const page = await readFile(join(dir, 'index.html'), 'utf8').catch(() => '')
  if (!page.includes('<meta name="generator" content="learngene studio"'))
    throw new Error(
      `${dir} must be empty, new, or hold a page of the studio; it holds ${entries.slice(0, 3).join(', ')}: name another folder`,
    )
}
