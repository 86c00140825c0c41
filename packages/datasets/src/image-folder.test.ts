import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageFolderOptions, imageFiles, imageFolder, imageFolders } from './image-folder.js'
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
  expect((await folder.picture(0)).data).toEqual(new Uint8Array(Buffer.from(base64, 'base64')))
  await expect(folder.picture(1)).rejects.toThrow(`${join(dir, 'dog', 'a.JPEG')}: cannot be decoded as an image`)
  await expect(folder.picture(4)).rejects.toThrow('image indices are integers from 0 to 3, got 4')
})

it('calls pictures by their files, and tells folders apart by what is in them', async () => {
  const png = Buffer.from(file, 'base64')
  await write('one/cat/a.png')
  await write('one/dog/b.png')
  const folder = await imageFolder(join(dir, 'one'))
  expect([folder.name, folder.nameOf(1)]).toEqual([join(dir, 'one'), join(dir, 'one', 'dog', 'b.png')])
  const print = await folder.fingerprint()
  expect(print).toMatch(/^[0-9a-f]{64}$/)
  await cp(join(dir, 'one'), join(dir, 'copy'), { recursive: true })
  const copy = async (options?: ImageFolderOptions) => (await imageFolder(join(dir, 'copy'), options)).fingerprint()
  expect(await copy()).toBe(print)
  const others = [
    await copy({ exifOrientation: false }),
    await copy({ classes: ['dog', 'cat'] }),
    await (await imageFiles(join(dir, 'one'))).fingerprint(),
  ]
  await write('copy/dog/b.png', png.subarray(0, -1))
  others.push(await copy())
  await write('copy/dog/b.png', png)
  await rename(join(dir, 'copy/dog/b.png'), join(dir, 'copy/dog/c.png'))
  others.push(await copy())
  expect(new Set([print, ...others]).size).toBe(6)
  expect(await folder.fingerprint()).toBe(print)
})

it('has a fingerprint where files cannot be read, another one once they can, and the same as ever then', async () => {
  await write('cat/a.png')
  const print = async () => (await imageFolder(dir)).fingerprint()
  const without = await print()
  // What released versions stored for this folder: runs go on by it.
  expect(without).toBe('88d0e6bd4a469faf7858c563266e204afbb6835b3ed2cf2caa84c710670952e7')
  await symlink(join(dir, 'later.png'), join(dir, 'cat', 'b.png'), 'file')
  await symlink(join(dir, 'cat', 'c.png'), join(dir, 'cat', 'c.png'), 'file')
  const unreadable = await print()
  expect(unreadable).toMatch(/^[0-9a-f]{64}$/)
  expect(await print()).toBe(unreadable)
  await write('later.png')
  const oneMore = await print()
  await rm(join(dir, 'cat', 'c.png'))
  await write('cat/c.png')
  expect(new Set([without, unreadable, oneMore, await print()]).size).toBe(4)
  await Promise.all(['b', 'c'].map((name) => rm(join(dir, 'cat', `${name}.png`))))
  expect(await print()).toBe(without)
})

it('decodes nothing once the signal has aborted', async () => {
  await write('cat/a.png')
  await expect((await imageFolder(dir)).picture(0, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
})

it.each([
  ['numeric', Array.from({ length: 12 }, (_, i) => String(i)), ['0', '1', '10', '11', '2', '3', '4', '5', '6', '7', '8', '9']],
  ['mixed', ['alpha', 'Beta', 'class_2', 'class_10'], ['Beta', 'alpha', 'class_10', 'class_2']],
])('orders classes as timm does, or as torchvision: %s', async (_, natural, codeUnits) => {
  for (const name of codeUnits) await write(`${name}/a.png`)
  expect((await imageFolder(dir)).classes).toEqual(natural)
  expect((await imageFolder(dir, { order: 'codeUnits' })).classes).toEqual(codeUnits)
  await expect(imageFolder(dir, { order: 'size' as never })).rejects.toThrow("must be 'natural' or 'codeUnits', got 'size'")
})

it('orders the files of a class as timm does, or as torchvision: folder by folder', async () => {
  for (const name of ['10.png', '9.png', 'B.png', 'a/1.png', 'b2/1.png']) await write(`dog/${name}`)
  const names = async (order?: 'natural' | 'codeUnits') =>
    (await imageFolder(dir, { order })).paths.map((path) => relative(join(dir, 'dog'), path))
  expect(await names()).toEqual(['9.png', '10.png', join('a', '1.png'), join('b2', '1.png'), 'B.png'])
  expect(await names('codeUnits')).toEqual(['10.png', '9.png', 'B.png', join('a', '1.png'), join('b2', '1.png')])
})

it('takes one list of classes for several splits, from another split or from a file', async () => {
  for (const name of ['ant', 'bee', 'cat']) await write(`train/${name}/a.png`)
  await write('val/cat/a.png')
  await write('val/ant/a.png')
  await write('val/dog/a.png')
  await mkdir(join(dir, 'val/bee'))
  await write('classes.txt', 'cat\r\nbee\nant\n')
  await write('classes.json', '["cat", "ant", "bee"]')
  const train = join(dir, 'train')
  expect((await imageFolder(train, { classes: join(dir, 'classes.txt') })).classes).toEqual(['cat', 'bee', 'ant'])
  const { classes, labels, paths } = await imageFolder(train, { classes: join(dir, 'classes.json') })
  expect([classes, Array.from(labels)]).toEqual([
    ['cat', 'ant', 'bee'],
    [0, 1, 2],
  ])
  expect(paths[0]).toBe(join(train, 'cat', 'a.png'))
  const val = join(dir, 'val')
  await expect(imageFolder(val, { classes: [...classes, 'fox'] })).rejects.toThrow(
    '; no subfolder: fox; no images: bee; not in the list of classes: dog',
  )
})

describe('imageFolders', () => {
  it('reads all splits with one list of classes', async () => {
    for (const path of ['train/ant/a', 'train/bee/b', 'val/bee/c', 'val/ant/d', 'more/ant/e', 'more/bee/f']) await write(`${path}.png`)
    const dirs = { training: join(dir, 'train'), validation: join(dir, 'val'), test: join(dir, 'more') }
    const { training, validation, test } = await imageFolders(dirs)
    expect([training, validation, test].map(({ classes }) => classes)).toEqual([
      ['ant', 'bee'],
      ['ant', 'bee'],
      ['ant', 'bee'],
    ])
    expect(validation.paths).toEqual(['ant/d.png', 'bee/c.png'].map((path) => join(dir, 'val', path)))
    const turned = await imageFolders({ training: dirs.training }, { classes: ['bee', 'ant'] })
    expect([turned.training.classes, turned.training.paths[0]]).toEqual([['bee', 'ant'], join(dir, 'train', 'bee', 'b.png')])
  })

  it('tells all faults of all splits in one line', async () => {
    for (const path of ['train/ant/a.png', 'train/bee/readme.txt', 'train/cat/c.png', 'val/ant/d.png', 'val/dog/e.png']) await write(path)
    const dirs = { training: join(dir, 'train'), validation: join(dir, 'val'), test: join(dir, 'none') }
    const fault = await imageFolders(dirs).catch((error: Error) => error.message)
    expect(fault).toMatch(/^every class must have a subfolder with at least 1 image .*, in all splits; /)
    expect(fault).toContain(`; training (${dirs.training}): no images: bee; `)
    expect(fault).toContain(`; validation (${dirs.validation}): no subfolder: bee, cat, not in the list of classes: dog; `)
    expect(fault).toContain(`; test: ${dirs.test}: cannot be read as a folder (ENOENT)`)
  })

  it('looks at the other splits where the first has no classes', async () => {
    await write('val/ant/d.png')
    await mkdir(join(dir, 'train'))
    const dirs = { training: join(dir, 'train'), validation: join(dir, 'val'), test: join(dir, 'none') }
    const fault = await imageFolders(dirs).catch((error: Error) => error.message)
    expect(fault).toMatch(/training: .*train: an image folder must hold one subfolder per class, found none; test: .*none: cannot be read/)
    await expect(imageFolders({})).rejects.toThrow('imageFolders needs at least 1 folder')
  })
})

it.each<[readonly string[] | string, string]>([
  [[], 'the list of classes: classes must be a list of at least 1 name, got []'],
  [['ant', ' '], 'the list of classes: the names of classes must be non-empty texts, got " " for class 1'],
  [['ant', 'ant'], "the list of classes: each class must have its own name, found 'ant' twice"],
  ['none.txt', 'none.txt: the list of classes cannot be read (ENOENT)'],
])('refuses the list of classes %j', async (classes, message) => {
  await write('ant/a.png')
  await expect(imageFolder(dir, { classes })).rejects.toThrow(message)
})

it('refuses a file of classes that is no JSON', async () => {
  await write('ant/a.png')
  await write('classes.json', 'ant')
  await expect(imageFolder(dir, { classes: join(dir, 'classes.json') })).rejects.toThrow('classes.json: a list of classes must be JSON: ')
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

it('refuses links that lead back up, of one folder and of several splits, with the other faults', async () => {
  await write('train/cat/a.png')
  await write('val/cat/a.png')
  await write('val/dog/a.png')
  const link = join(dir, 'val', 'cat', 'up')
  await symlink(join(dir, 'val'), link, 'junction')
  const message = `${link}: a link must not lead to a folder that it lies in`
  await expect(imageFiles(join(dir, 'val'))).rejects.toThrow(message)
  await expect(imageFolder(join(dir, 'val'))).rejects.toThrow(`not readable: ${message}`)
  const dirs = { training: join(dir, 'train'), validation: join(dir, 'val') }
  const fault = await imageFolders(dirs).catch((error: Error) => error.message)
  expect(fault).toContain(`; validation (${dirs.validation}): not in the list of classes: dog, not readable: ${message}`)
  await symlink(dir, join(dir, 'train', 'all'), 'junction')
  await expect(imageFolder(dirs.training)).rejects.toThrow(`${join(dirs.training, 'all')}: a link must not lead`)
})

it('says that names which look the same differ in their Unicode normalisation', async () => {
  const [composed, decomposed] = ['tri-é'.normalize('NFC'), 'tri-é'.normalize('NFD')]
  for (const [folder, listedAs, forms] of [
    [decomposed, composed, 'is NFD, must be NFC'],
    [composed, decomposed, 'is NFC, must be NFD'],
  ] as const) {
    await write(`${forms}/${folder}/a.png`)
    const fault = await imageFolder(join(dir, forms), { classes: [listedAs, 'ant'] }).catch((error: Error) => error.message)
    expect(fault).toContain(
      `; no subfolder: ant; in another Unicode normalisation than in the list of classes (rename these, or list the classes in the form that their names have): ${folder} (${forms})`,
    )
    expect(fault).not.toContain('not in the list of classes')
  }
})

it('refuses a folder without classes, a class without images and a folder that is not there', async () => {
  await write('a.png')
  await expect(imageFolder(dir)).rejects.toThrow(`${dir}: an image folder must hold one subfolder per class, found none`)
  await write('cat/a.png')
  await write('dog/a.txt')
  await mkdir(join(dir, 'fox'))
  await expect(imageFolder(dir)).rejects.toThrow(
    `${dir}: every class must have a subfolder with at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), and every subfolder must be a class; no images: dog, fox`,
  )
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
  expect(files).toMatchObject({ length: 2, classes: [], labels: [] })
  expect((await files.picture(1)).data).toEqual(new Uint8Array(Buffer.from(base64, 'base64')))
  await expect(files.picture(2)).rejects.toThrow('image indices are integers from 0 to 1, got 2')
  await expect(imageFiles(join(dir, 'none'))).rejects.toThrow('cannot be read as a folder (ENOENT)')
  await mkdir(join(dir, 'empty'))
  await expect(imageFiles(join(dir, 'empty'))).rejects.toThrow(`${join(dir, 'empty')}: there must be at least 1 image`)
})
