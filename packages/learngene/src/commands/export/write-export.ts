import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CASCADE_FILE, type ModelFiles } from '@learngene/export'
import { saveFiles } from '@learngene/export/node'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'
import { assertModelReplaceable } from '../assert-model-replaceable.js'
import { assertReplaceable, beginningOf, statIfThere } from '../assert-replaceable.js'
import { CARD_MARK } from './card.js'

/** What it writes of a network. */
const ofNetwork = [
  ...['config.json', 'preprocessor_config.json', 'model.safetensors', 'model.onnx', 'model.onnx_data', 'onnx'],
  ...['model.onnx', 'model.onnx_data', 'model_quantized.onnx', 'model_quantized.onnx_data'].map((name) => join('onnx', name)),
]

/** All that this command writes into folders. */
const known = new Set([
  ...['README.md', CASCADE_FILE, ...ofNetwork],
  ...['small', 'large'].flatMap((part) => [part, ...ofNetwork.map((name) => join(part, name))]),
])

/**
 * Writes files under their names into a folder, or beside `out` where that is the first of them. A folder that this command wrote and nobody added to is replaced whole.
 *
 * @param options.force writes over what is somebody else's; what else lies in a folder stays
 * @returns names and sizes of what was written
 * @throws Error when what is there is somebody else's, or cannot be written
 */
export async function writeExport(out: string, files: ModelFiles, options: { readonly file: boolean; readonly force: boolean }) {
  if (options.file) {
    if (!options.force) await assertFileReplaceable(out)
    await makeFolder(dirname(out))
    // The data come first: a model without them could not be loaded.
    for (const [name, bytes] of [...files].reverse()) await writeFileAtomically(join(dirname(out), name), bytes)
  } else if (await isOurs(out)) await saveFiles(out, files)
  else if (options.force) {
    for (const [name, bytes] of files) {
      await makeFolder(dirname(join(out, name)))
      await writeFileAtomically(join(out, name), bytes)
    }
  } else throw new Error(`${out} exists and is no folder of learngene export alone; name another folder, or write into it with --force`)
  return [...files].map(([name, bytes]) => ({ name, bytes: bytes.length }))
}

/** Nothing, an empty folder, or one with files of this command alone. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await statIfThere(folder)
  if (!found) return true
  if (!found.isDirectory()) throw new Error(`${folder} is a file; name a folder`)
  const names = await readdir(folder, { recursive: true })
  if (names.length === 0) return true
  if (!names.every((name) => known.has(name))) return false
  const card = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '')
  return card.includes(CARD_MARK)
}

async function assertFileReplaceable(file: string): Promise<void> {
  if (file.endsWith('.safetensors')) return assertModelReplaceable(file, { name: 'exported model', key: 'exportedAs' })
  await assertReplaceable(file, { name: 'exported model', isOurs: beginsAsOurs })
}

/** An ONNX file of ours states its producer in its first bytes: the version of the format, then the second field, a text of 9 letters. */
async function beginsAsOurs(path: string): Promise<boolean> {
  return (await beginningOf(path, 16)).toString('latin1').slice(2).startsWith('\x12\x09learngene')
}
