import { readFile } from 'node:fs/promises'
import { checkClasses } from './array-dataset.js'

/**
 * A list of classes: given, or the path of a file that holds it, one name a line, or a JSON list where its name ends in `.json`.
 *
 * @throws one line naming the file when it cannot be read, or the names are not texts that differ
 */
export const readClassList = async (classes: readonly string[] | string): Promise<readonly string[]> => {
  const name = typeof classes === 'string' ? classes : 'the list of classes'
  const list = typeof classes === 'string' ? await readNames(classes) : classes
  checkClasses(name, list)
  const twice = list.find((each, i) => list.indexOf(each) !== i)
  if (twice !== undefined) throw new Error(`${name}: each class must have its own name, found '${twice}' twice`)
  return list
}

const readNames = async (path: string): Promise<readonly string[]> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: the list of classes cannot be read (${error.code ?? error.message})`)
  })
  if (!path.endsWith('.json'))
    return text
      .trimEnd()
      .split(/\r?\n/)
      .map((line) => line.trim())
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${path}: a list of classes must be JSON: ${(error as Error).message}`)
  }
}
