import { relative, sep } from 'node:path'
import { subset } from '@learngene/datasets'
import { imageFiles } from '@learngene/datasets/node'
import type { Dataset, Reporter } from '@learngene/interfaces'
import { listed } from '../report/text.js'

/** The subfolder of `dir` that a file below it is in, '' for one beside them. */
export function topFolder(dir: string, path: string): string {
  const inside = relative(dir, path)
  return inside.includes(sep) ? inside.slice(0, inside.indexOf(sep)) : ''
}

/** A model's classes by what tells names apart: macOS writes letters with accents in another way than most programs. */
export const classKey = (name: string): string => name.normalize('NFC')

/** Whether all pictures of a folder are in subfolders that are named as classes. */
export async function isLabelled(dir: string, classes: readonly string[]): Promise<boolean> {
  const known = new Set(classes.map(classKey))
  const { paths } = await imageFiles(dir)
  return paths.every((path) => known.has(classKey(topFolder(dir, path))))
}

/**
 * The pictures of a folder with one subfolder for each class, at any depth below it. Names decide which class a subfolder is; of a model that names none there must be as many
 * subfolders as classes, which are taken in natural order. Classes without pictures and pictures beside the subfolders are reported.
 *
 * @throws when there are no pictures or no subfolders, or a subfolder is no class of the model
 */
export async function labelledFolder(
  dir: string,
  model: { readonly name: string; readonly classNames?: readonly string[]; readonly classes: number },
  report: Reporter,
): Promise<{ readonly dataset: Dataset; readonly folders: ReadonlyMap<number, string>; readonly missing: readonly string[] }> {
  const files = await imageFiles(dir)
  const folders = files.paths.map((path) => topFolder(dir, path))
  const found = [...new Set(folders)].filter((folder) => folder !== '')
  if (found.length === 0) throw new Error(`${dir}: labelled pictures must be in one subfolder per class; they all lie in the folder itself`)
  const classes = model.classNames ?? inOrder(dir, model, found, report)
  const byName = labelsByName(dir, model.name, classes, found)

  const inFolders = [...folders.keys()].filter((i) => folders[i] !== '')
  if (inFolders.length < folders.length)
    report({ kind: 'message', text: `${dir}: ${folders.length - inFolders.length} pictures beside the subfolders are left out` })
  const present = new Set(byName.values())
  const missing = classes.filter((_, label) => !present.has(label))
  if (missing.length > 0) report({ kind: 'message', text: `${dir}: there are no pictures of ${listed(missing)}` })
  const labels = folders.map((folder) => byName.get(folder) ?? 0)
  return {
    dataset: subset({ ...files, classes, labels }, inFolders),
    folders: new Map([...byName].map(([folder, label]) => [label, folder])),
    missing,
  }
}

function inOrder(
  dir: string,
  { name, classes }: { readonly name: string; readonly classes: number },
  found: readonly string[],
  report: Reporter,
) {
  if (found.length !== classes) {
    throw new Error(
      `${dir}: as ${name} names no classes, there must be a subfolder for each of its ${classes}, in their order; there are ${found.length} (${listed(found)})`,
    )
  }
  report({ kind: 'message', text: `${name} names no classes: they are taken to be the subfolders of ${dir} in natural order` })
  return found
}

/** The class of each subfolder. */
function labelsByName(dir: string, model: string, classes: readonly string[], found: readonly string[]): ReadonlyMap<string, number> {
  const keys = classes.map(classKey)
  const unknown = found.filter((folder) => !keys.includes(classKey(folder)))
  if (unknown.length > 0) {
    throw new Error(
      `${dir}: every subfolder must have the name of a class of ${model}; ${listed(unknown)} ${unknown.length === 1 ? 'is' : 'are'} none of its ${classes.length} (${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ', …' : ''}): rename or remove ${unknown.length === 1 ? 'it' : 'them'}`,
    )
  }
  const shared = found.find((folder) => keys.indexOf(classKey(folder)) !== keys.lastIndexOf(classKey(folder)))
  if (shared !== undefined) throw new Error(`${dir}: a subfolder's name must tell its class; ${model} has several classes named ${shared}`)
  return new Map(found.map((folder) => [folder, keys.indexOf(classKey(folder))]))
}
