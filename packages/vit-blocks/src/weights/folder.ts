import type { WeightFiles } from './weight-files.js'

/** The names of weights on the hub, in the order in which they are looked for. */
const usualFiles = ['model.safetensors', 'model.safetensors.index.json', 'open_clip_model.safetensors']

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
  if (file !== undefined) throw new Error(`${name}: there is no such file`)
  const pickle = await firstOf(pickles, open)
  const found =
    pickle === undefined ? 'none of them' : `${pickle}, a pickle, which may run code when it is read: save the weights with safetensors`
  throw new Error(`${name}: must hold ${usualFiles.join(' or ')}; it holds ${found}`)
}

/** Weights as PyTorch pickles them. */
const pickles = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'open_clip_pytorch_model.bin']

async function firstOf(names: readonly string[], open: WeightFiles['open']): Promise<string | undefined> {
  for (const name of names) if ((await open(name)) !== undefined) return name
  return undefined
}

function isUsual(file: string): boolean {
  return usualFiles.includes(file) || file.endsWith('.index.json')
}
