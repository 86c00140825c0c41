import { copyFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageFolder } from '@learngene/datasets/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { findUnreadable, knownFingerprints, knownUnreadable } from './readable.js'
import { writeSmallPictures } from './small-pictures.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
  await writeSmallPictures(join(root, 'pictures'), 2)
})
afterAll(() => rm(root, { recursive: true }))

it('looks anew where what it remembers is damaged', async () => {
  for (const text of ['null', '{"training":{}}', '{"training":{"fingerprint":7,"unreadable":[]}}', '\r\n']) {
    await writeFile(join(root, 'pictures.json'), text)
    expect(await knownUnreadable(root)).toEqual({})
    expect(await knownFingerprints(root)).toEqual({})
  }
})

it('names files that cannot be opened with those that cannot be decoded, goes on without both, and looks again once they can', async () => {
  const dir = join(root, 'some closed')
  await writeSmallPictures(join(dir, 'pictures'), 2)
  const [link, text] = [join(dir, 'pictures', 'oben', '2.png'), join(dir, 'pictures', 'unten', '2.png')]
  await symlink(join(dir, 'later.png'), link, 'file')
  await writeFile(text, 'no picture')
  const find = async (skip: boolean) =>
    findUnreadable(
      dir,
      { training: await imageFolder(join(dir, 'pictures')) },
      { skip, report: () => {}, signal: new AbortController().signal },
    )
  await expect(find(false)).rejects.toThrow(`2 pictures cannot be read: ${link}: cannot be read (ENOENT); ${text}: cannot be decoded`)
  const found = { training: [4, 7] }
  expect(await find(true)).toEqual(found)
  expect(await find(true)).toEqual(found)
  await copyFile(join(dir, 'pictures', 'oben', '0.png'), join(dir, 'later.png'))
  expect(await find(true)).toEqual({ training: [7] })
})

it('goes on without pictures that cannot be read, but not without a class', async () => {
  const find = async (skip: boolean) =>
    findUnreadable(
      root,
      { training: await imageFolder(join(root, 'pictures')) },
      { skip, report: () => {}, signal: new AbortController().signal },
    )
  await writeFile(join(root, 'pictures', 'oben', '0.png'), 'no picture')
  await expect(find(false)).rejects.toThrow(/^1 picture cannot be read: /)
  expect((await find(true)).training).toHaveLength(1)
  await writeFile(join(root, 'pictures', 'oben', '1.png'), 'no picture')
  await expect(find(true)).rejects.toThrow('of the training pictures none of oben can: mend some')
})
