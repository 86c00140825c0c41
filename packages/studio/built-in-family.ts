import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAncestor } from '@learngene/fashion-mnist'
import { bytesSource, openSafetensors } from '@learngene/vit-blocks'
import { readFamily } from './src/family.js'
import { packTensors, unpackTensors } from './src/wire.js'

const folder = fileURLToPath(new URL('./family', import.meta.url))

/** Brings the family in `family/` into a built page; the file of its ancestor is packed anew of the weights that @learngene/fashion-mnist has. */
export async function copyFamily(page: string): Promise<void> {
  const to = join(page, 'family')
  await cp(folder, to, { recursive: true })
  await rm(join(to, 'ancestor-stitches.bin'))
  const manifest = readFamily(await readFile(join(folder, 'manifest.json'), 'utf8'))
  const { file } = manifest.tiers.find(({ ancestor }) => ancestor)!
  const checkpoint = await openSafetensors(bytesSource(await readAncestor()), { name: 'the ancestor' })
  const stitches = unpackTensors(await readFile(join(folder, 'ancestor-stitches.bin')), 'ancestor-stitches.bin')
  const tensors = await Promise.all(
    [...checkpoint.tensors].map(async ([name, { shape }]) => ({ name: `tier/${name}`, shape, data: await checkpoint.readFloat32(name) })),
  )
  const bytes = packTensors([...tensors, ...stitches], 'int8')
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10)
  if (!file.includes(hash))
    throw new Error(`family/manifest.json names the ancestor's file ${file}; packed it hashes to ${hash}: make the family again`)
  await writeFile(join(to, file), bytes)
}
