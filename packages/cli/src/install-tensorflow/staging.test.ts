import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { replaceDirectory } from './staging.js'

let root: string
let directory: string
beforeEach(async () => {
  root = await temporaryDirectory()
  directory = join(root, 'inside', 'tensorflow')
})
afterEach(() => rm(root, { recursive: true }))

const write = (text: string) => (staging: string) => writeFile(join(staging, 'file'), text)
const written = () => readFile(join(directory, 'file'), 'utf8')
const siblings = () => readdir(join(root, 'inside'))

it('makes a folder, and replaces it', async () => {
  await replaceDirectory(directory, write('first'))
  expect(await written()).toBe('first')
  await replaceDirectory(directory, write('second'))
  expect(await written()).toBe('second')
  expect(await siblings()).toEqual(['tensorflow'])
})

it('leaves the earlier one, and nothing else, where the new one fails', async () => {
  await replaceDirectory(directory, write('first'))
  const failing = replaceDirectory(directory, async (staging) => {
    await write('half')(staging)
    throw new Error('no space')
  })
  await expect(failing).rejects.toThrow('no space')
  expect(await written()).toBe('first')
  expect(await siblings()).toEqual(['tensorflow'])
})

it('removes what killed processes left, and not what living ones are at', async () => {
  const dead = 2 ** 22 + 1
  for (const pid of [dead, process.ppid]) await mkdir(join(root, 'inside', `.tensorflow-${pid}-new`), { recursive: true })
  for (const other of [`.tensorflow-gpu-${dead}-new`, '.tensorflow-notes']) await mkdir(join(root, 'inside', other))
  await replaceDirectory(directory, write('first'))
  expect((await siblings()).sort()).toEqual(
    [`.tensorflow-${process.ppid}-new`, `.tensorflow-gpu-${dead}-new`, '.tensorflow-notes', 'tensorflow'].sort(),
  )
})
