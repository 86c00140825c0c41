import type { WeightFiles } from './weight-files.js'

/** The names of weights on the hub, in the order in which they are looked for. */
const usualFiles = ['model.safetensors', 'model.safetensors.index.json']

/**
 * A place that holds a model's files.
 *
 * @param place.file the file of the tensors; where it is undefined, one of the usual names is looked for
 * @throws Error when there is no such file
 */
export async function modelFolder(
  place: Pick<WeightFiles, 'name' | 'origin' | 'open'> & { readonly file: string | undefined; readonly notes?: readonly string[] },
): Promise<WeightFiles> {
  const { name, origin, file, notes = [] } = place
  const opened = new Map<string, ReturnType<WeightFiles['open']>>()
  const open = (file: string) => {
    if (!opened.has(file)) opened.set(file, place.open(file))
    return opened.get(file)!
  }
  for (const candidate of file === undefined ? usualFiles : [file]) {
    if ((await open(candidate)) === undefined) continue
    return { name, file: candidate, origin, configured: file === undefined || isUsual(candidate), notes, open }
  }
  throw new Error(`${name}: ${file === undefined ? `must hold ${usualFiles.join(' or ')}; it holds neither` : 'there is no such file'}`)
}

function isUsual(file: string): boolean {
  return file === usualFiles[0] || file.endsWith('.index.json')
}
