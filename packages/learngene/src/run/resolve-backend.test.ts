import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BACKEND_NAMES } from '@learngene/backends'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { defaultWorkers, resolveBackend } from './resolve-backend.js'

const built = new URL('../../dist/run/probe-process.js', import.meta.url)

describe.skipIf(!existsSync(built))('the backend of auto', () => {
  it('is found out in a process of its own', async () => {
    const { name, tried } = await resolveBackend(built)
    expect(BACKEND_NAMES).toContain(name)
    expect(tried.map((each) => each.name)).toEqual(BACKEND_NAMES.slice(0, BACKEND_NAMES.indexOf(name)))
  })
})

it('a probe that fails is an error', async () => {
  await expect(resolveBackend(new URL('./nowhere.js', import.meta.url))).rejects.toThrow('no backend can be started: exit code 1')
})

it('a probe that hangs is an error', async () => {
  const root = await temporaryDirectory()
  const hangs = join(root, 'hangs.mjs')
  await writeFile(hangs, 'setInterval(() => {}, 1000)')
  await expect(resolveBackend(pathToFileURL(hangs), undefined, 0.5)).rejects.toThrow('no backend can be started: no answer within 0.5 s')
  await rm(root, { recursive: true })
})

it('backends that use one thread get two workers, the others one', () => {
  expect(BACKEND_NAMES.map(defaultWorkers)).toEqual([1, 1, 1, 2, 2])
})
