import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { RunConfig } from './config.js'

/**
 * What a run reads must not lie where it writes: not its pictures in a folder that is to be emptied, not its output among the classes of its pictures, and not its ancestor in its own output,
 * which would change the ancestor each time.
 *
 * Looks at absolute paths only: other names are those of models and data that are no files.
 *
 * @param configFile is read when the run goes on
 * @throws Error of one line
 */
export async function requireApart(
  outDir: string,
  { ancestor, images }: Pick<RunConfig, 'ancestor' | 'images'>,
  { force, configFile }: { readonly force: boolean; readonly configFile?: string },
): Promise<void> {
  const out = await realPath(outDir)
  const folders = { training: images.training, validation: images.validation, test: images.test }
  for (const [part, dir] of Object.entries(folders)) {
    if (dir !== undefined && isAbsolute(dir) && contains(await realPath(dir), out))
      throw new Error(
        `${outDir} is inside the folder of the ${part} pictures, ${dir}, where every folder is a class; name an output directory elsewhere`,
      )
  }
  if (isAbsolute(ancestor) && contains(out, await realPath(ancestor)))
    throw new Error(`the ancestor ${ancestor} is inside ${outDir}, where the run writes; name an output directory elsewhere`)
  if (!force) return
  const classes = typeof images.classes === 'string' ? { 'list of classes': images.classes } : {}
  const read = { ...folders, ...classes, ...(configFile !== undefined && { configuration: configFile }) }
  for (const [name, path] of Object.entries(read)) {
    if (path !== undefined && isAbsolute(path) && contains(out, await realPath(path)))
      throw new Error(
        `${outDir} cannot be emptied by --force: the ${name in folders ? `${name} pictures are` : `${name} is`} inside it (${path}); name another directory`,
      )
  }
}

/** Absolute and without links, as far as the path exists. */
async function realPath(path: string): Promise<string> {
  const absolute = resolve(path)
  const found = await realpath(absolute).catch(() => undefined)
  if (found !== undefined || dirname(absolute) === absolute) return found ?? absolute
  return join(await realPath(dirname(absolute)), basename(absolute))
}

function contains(dir: string, path: string): boolean {
  const between = relative(dir, path)
  return between === '' || (between !== '..' && !between.startsWith(`..${sep}`) && resolve(dir, between) === path)
}
