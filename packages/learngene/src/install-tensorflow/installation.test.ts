import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { readInstallation, writeInstallation } from './installation.js'

it('is read as it was written; what is not there or not whole is none', async () => {
  const root = await temporaryDirectory()
  expect(await readInstallation(root)).toBeUndefined()
  await writeInstallation(root, { wheel: 'tensorflow_cpu 2.21.0' })
  expect(await readInstallation(root)).toEqual({ wheel: 'tensorflow_cpu 2.21.0' })
  for (const text of ['{', '{}']) {
    await writeFile(join(root, 'package.json'), text)
    expect(await readInstallation(root)).toBeUndefined()
  }
  await rm(root, { recursive: true })
})
