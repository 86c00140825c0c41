import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { imageFiles, imageFolder } from './image-folder.js'
import golden from './preprocess/golden.json' with { type: 'json' }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'image-folder-'))
})
afterEach(() => rm(dir, { recursive: true }))

const { file, base64 } = golden.decode[0]!

async function write(path: string, content: string | Uint8Array = Buffer.from(file, 'base64')): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true })
  await writeFile(join(dir, path), content)
}

it('lists the images class by class, and decodes those that are asked for', async () => {
  await write('dog/b.png')
  await write('dog/a.JPEG', 'not an image')
  await write('dog/more/c.webp')
  await write('dog/readme.txt')
  await write('dog/.hidden.png')
  await write('cat/z.png')
  await write('.cache/x.png')
  await write('labels.csv', '')
  const folder = await imageFolder(dir)
  expect(folder.classes).toEqual(['cat', 'dog'])
  expect(folder.paths).toEqual(['cat/z.png', 'dog/a.JPEG', 'dog/b.png', 'dog/more/c.webp'].map((path) => join(dir, path)))
  expect(folder.labels).toEqual(Uint16Array.of(0, 1, 1, 1))
  expect(folder.length).toBe(4)
  expect((await folder.image(0)).data).toEqual(new Uint8Array(Buffer.from(base64, 'base64')))
  await expect(folder.image(1)).rejects.toThrow(`${join(dir, 'dog', 'a.JPEG')}: cannot be decoded as an image`)
  await expect(folder.image(4)).rejects.toThrow('image indices are integers from 0 to 3, got 4')
})

it('follows links to folders and passes over broken ones', async () => {
  await write('real/a.png')
  await mkdir(join(dir, 'linked'))
  await symlink(join(dir, 'real'), join(dir, 'linked', 'inner'), 'junction')
  await symlink(join(dir, 'nowhere'), join(dir, 'broken'), 'junction')
  const { classes, paths } = await imageFolder(dir)
  expect(classes).toEqual(['linked', 'real'])
  expect(paths).toEqual([join(dir, 'linked', 'inner', 'a.png'), join(dir, 'real', 'a.png')])
})

it('refuses a folder without classes, a class without images and a folder that is not there', async () => {
  await write('a.png')
  await expect(imageFolder(dir)).rejects.toThrow(`${dir}: an image folder must hold one subfolder per class, found none`)
  await write('cat/a.png')
  await write('dog/a.txt')
  await expect(imageFolder(dir)).rejects.toThrow(`${join(dir, 'dog')}: every class must have at least 1 image`)
  await expect(imageFolder(join(dir, 'none'))).rejects.toThrow(`${join(dir, 'none')}: cannot be read as a folder (ENOENT)`)
  await expect(imageFolder(join(dir, 'a.png'))).rejects.toThrow('cannot be read as a folder (ENOTDIR)')
})

it('lists images at any depth where there are no classes', async () => {
  await write('b.png')
  await write('a/deep/c.webp')
  await write('a/readme.txt')
  await write('.hidden/d.png')
  const files = await imageFiles(dir)
  expect(files.paths).toEqual(['a/deep/c.webp', 'b.png'].map((path) => join(dir, path)))
  expect(files.length).toBe(2)
  expect((await files.image(1)).data).toEqual(new Uint8Array(Buffer.from(base64, 'base64')))
  await expect(files.image(2)).rejects.toThrow('image indices are integers from 0 to 1, got 2')
  await expect(imageFiles(join(dir, 'none'))).rejects.toThrow('cannot be read as a folder (ENOENT)')
  await mkdir(join(dir, 'empty'))
  await expect(imageFiles(join(dir, 'empty'))).rejects.toThrow(`${join(dir, 'empty')}: there must be at least 1 image`)
})
