import { rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { sampleProfile } from './profile.fixture.js'
import { type ProfileKey, profileFile, profileFolder, readProfileFile, readStoredProfile, storeProfile } from './profile-store.js'

let folder: string
beforeAll(async () => {
  folder = join(await temporaryDirectory(), 'cache')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const profile = sampleProfile([])
const { backend, version, device, batch } = profile
const key: ProfileKey = { backend, version, device, batch, pool: 'abc' }

describe('stored profiles', () => {
  it('lie where caches do', () => {
    expect(profileFolder({ XDG_CACHE_HOME: '/c' }, 'linux')).toBe(join('/c', 'learngene', 'latency'))
    expect(profileFolder({ LOCALAPPDATA: '/l' }, 'win32')).toBe(join('/l', 'learngene', 'latency'))
    expect(profileFolder({ LOCALAPPDATA: '/l', XDG_CACHE_HOME: '' }, 'linux')).toBe(join(homedir(), '.cache', 'learngene', 'latency'))
  })

  it('are found again for the same backend, version, device, batch and pool alone', async () => {
    expect(await readStoredProfile(folder, key)).toBeUndefined()
    await storeProfile(folder, key, profile)
    expect(await readStoredProfile(folder, key)).toEqual(profile)
    for (const other of [{ backend: 'cpu' as const }, { version: '1' }, { device: 'another' }, { batch: 2 }, { pool: 'abd' }])
      expect(await readStoredProfile(folder, { ...key, ...other })).toBeUndefined()
  })

  it('are measured anew where they are damaged, or not what their name says', async () => {
    await storeProfile(folder, key, profile)
    await writeFile(profileFile(folder, key), '{"schema": 1')
    expect(await readStoredProfile(folder, key)).toBeUndefined()
    await writeFile(profileFile(folder, key), JSON.stringify({ ...profile, batch: 7 }))
    expect(await readStoredProfile(folder, key)).toBeUndefined()
  })

  it('are refused by name where the user names one that is none', async () => {
    await expect(readProfileFile(join(folder, 'none.json'))).rejects.toThrow(/^there is no latency profile .*none.json; learngene profile/)
    await writeFile(join(folder, 'bad.json'), '{}')
    await expect(readProfileFile(join(folder, 'bad.json'))).rejects.toThrow(/bad.json: schema must be 1/)
    await expect(readProfileFile(folder)).rejects.toThrow(/cannot be read: /)
  })
})
