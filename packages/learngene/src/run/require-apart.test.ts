import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { requireApart } from './require-apart.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
  await mkdir(join(root, 'run', 'photos', 'cat'), { recursive: true })
  await mkdir(join(root, 'photos', 'cat'), { recursive: true })
  await symlink(join(root, 'run', 'photos'), join(root, 'linked'))
})
afterAll(() => rm(root, { recursive: true }))

const check = (out: string, images: string, { ancestor = 'train', force = false, ...more } = {}) =>
  requireApart(join(root, out), { ancestor, images: { training: join(root, images), ...more } }, { force })

it('lets through what lies apart', async () => {
  await check('run', 'photos', { force: true })
  await check('photos-run', 'photos')
  await check('run', 'run/photos')
  await requireApart('.', { ancestor: 'embedded', images: { training: 'fashion-mnist:d' } }, { force: false })
  await requireApart(join(root, 'run'), { ancestor: 'embedded', images: { training: 'embedded' } }, { force: true })
})

it.each(['run/photos', 'run', 'linked'])('never empties a folder with the pictures: %s', async (images) => {
  await expect(check('run', images, { force: true })).rejects.toThrow(/run/)
})

it.each(['validation', 'test'])('never empties a folder with the %s pictures', async (part) => {
  const images = { [part]: join(root, 'run', 'photos') }
  await expect(check('run', 'photos', { force: true, ...images })).rejects.toThrow(
    `cannot be emptied by --force: the ${part} pictures are inside it`,
  )
})

it('never empties a folder with the configuration or the list of classes', async () => {
  const images = { training: join(root, 'photos') }
  const configFile = join(root, 'run', 'learngene.config.js')
  await expect(requireApart(join(root, 'run'), { ancestor: 'train', images }, { force: true, configFile })).rejects.toThrow(
    'configuration is',
  )
  await expect(check('run', 'photos', { force: true, classes: join(root, 'run', 'c.txt') } as object)).rejects.toThrow('list of classes is')
})

it.each(['photos', 'photos/run'])('makes no class of its output: %s', async (out) => {
  await expect(check(out, 'photos')).rejects.toThrow('is inside the folder of the training pictures')
})

it('takes no ancestor out of its own output', async () => {
  await expect(check('run', 'photos', { ancestor: join(root, 'run') })).rejects.toThrow('the ancestor')
})
