import { rm, writeFile } from 'node:fs/promises'
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
