import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { canLoseRights, withoutRights } from '@learngene/testing/without-rights'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imagesBelow, readFolder, topFolder } from './images-below.js'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'images-below-')))
  await chmod(dir, 0o755)
})
afterEach(() => rm(dir, { recursive: true }))

const at = (path: string) => join(dir, path)

async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), '')
  }
}

/** A link at `path`, below `dir`, to a folder. */
const link = (path: string, target: string) => symlink(at(target), at(path), 'junction')

async function found(top: string) {
  const { images, faults } = await imagesBelow(await topFolder(at(top)))
  return { images: images.map(({ folder, name }) => join(folder, name)).sort(), faults: faults.map(({ path }) => path).sort() }
}

describe('links that lead back up', () => {
  it.each([
    ['the folder that it lies in', 'photos/a', 'photos/a'],
    ['the one above', 'photos/a', 'photos'],
    ['one above all', 'photos/a', '.'],
  ])('are faults and not followed, to %s', async (_, place, target) => {
    await write('photos/a/1.png', 'photos/b/2.png')
    await link(`${place}/up`, target)
    await link(`${place}/again`, target)
    expect(await found('photos')).toEqual({
      images: [at('photos/a/1.png'), at('photos/b/2.png')],
      faults: [at('photos/a/again'), at('photos/a/up')],
    })
  })

  it('name the link, where it leads and what to do', async () => {
    await write('photos/a/1.png')
    await link('photos/up', 'photos')
    const { folders, faults } = await readFolder(await topFolder(at('photos')))
    expect([...folders.keys()]).toEqual(['a'])
    expect(faults).toEqual([
      {
        path: at('photos/up'),
        reason: `a link must not lead to a folder that it lies in, whose pictures would count again and again; it leads to ${at('photos')}: remove it, or link to a folder beside it`,
      },
    ])
  })

  it('are found behind other links, and where the folder itself is named by a link', async () => {
    await write('photos/a/1.png', 'photos/b/2.png', 'disk/more/3.png')
    await link('photos/a/to b', 'photos/b')
    await link('photos/b/to a', 'photos/a')
    await link('disk/more/top', 'disk')
    await link('photos/a/disk', 'disk')
    await link('named', 'photos')
    expect((await found('named')).faults).toEqual([
      at('named/a/disk/more/top'),
      at('named/a/to b/to a'),
      at('named/b/to a/disk/more/top'),
      at('named/b/to a/to b'),
    ])
  })
})

it('follows links to folders beside the folder, below it and elsewhere', async () => {
  await write('photos/a/1.png', 'disk/2.png', '.store/photos/c/3.png')
  await link('photos/b', 'photos/a')
  await link('photos/deep', 'disk')
  await link('photos/twin', 'disk')
  expect(await found('photos')).toEqual({
    images: ['a/1.png', 'b/1.png', 'deep/2.png', 'twin/2.png'].map((path) => at(`photos/${path}`)),
    faults: [],
  })
  // No walk from `dir` comes to a hidden folder.
  await link('.store/photos/all', '.')
  await rm(at('photos'), { recursive: true })
  expect(await found('.store/photos')).toEqual({ images: [at('.store/photos/all/disk/2.png'), at('.store/photos/c/3.png')], faults: [] })
})

it.skipIf(!canLoseRights)('tells the folders that cannot be read, and finds the images of the others', async () => {
  await write('a/1.png', 'a/locked/2.png', 'locked too/3.png')
  await Promise.all([chmod(at('a/locked'), 0), chmod(at('locked too'), 0)])
  const { images, faults } = await withoutRights(async () => imagesBelow(await topFolder(dir)))
  await Promise.all([chmod(at('a/locked'), 0o755), chmod(at('locked too'), 0o755)])
  expect(images).toEqual([{ folder: at('a'), name: '1.png' }])
  expect([...faults].sort((x, y) => x.path.localeCompare(y.path))).toEqual([
    { path: at('a/locked'), reason: 'cannot be read as a folder (EACCES)' },
    { path: at('locked too'), reason: 'cannot be read as a folder (EACCES)' },
  ])
})
