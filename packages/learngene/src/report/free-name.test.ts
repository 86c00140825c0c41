import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { freeName } from './free-name.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

it('is the name itself, or the next that neither a file nor a folder has', async () => {
  const [file, folder] = [join(root, 'small.safetensors'), join(root, 'runs.old', 'smaller')]
  expect([freeName(file), freeName(folder)]).toEqual([file, folder])
  await writeFile(file, '')
  await mkdir(folder, { recursive: true })
  expect([freeName(file), freeName(folder)]).toEqual([join(root, 'small-2.safetensors'), `${folder}-2`])
  await writeFile(join(root, 'small-2.safetensors'), '')
  expect(freeName(file)).toBe(join(root, 'small-3.safetensors'))
})
