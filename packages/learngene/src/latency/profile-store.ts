import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '@learngene/backends'
import { type LatencyProfile, type ProfiledDevice, parseProfile } from '@learngene/bench/latency'
import { makeFolder, writeFileAtomically } from '@learngene/vit-blocks/node'

type Environment = { readonly [variable: string]: string | undefined }

/** Where profiles are kept. */
export const profileFolder = (env: Environment, platform: NodeJS.Platform = process.platform): string =>
  cacheFolder('latency', env, platform)

/** What a stored profile holds for: another backend, version, device, batch or pool is another profile. */
export interface ProfileKey extends ProfiledDevice {
  /** SHA-256 of the pool's manifest, which names those of its files. */
  readonly pool: string
}

/** A profile's file in the folder. */
export function profileFile(folder: string, { backend, version, device, batch, pool }: ProfileKey): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([backend, version, device, batch, pool]))
    .digest('hex')
  return join(folder, `${backend}-batch${batch}-${hash.slice(0, 32)}.json`)
}

/** The stored profile; undefined where there is none, or one that cannot be read or is of something else, which is measured anew. */
export async function readStoredProfile(folder: string, key: ProfileKey): Promise<LatencyProfile | undefined> {
  try {
    const profile = parseProfile(await readFile(profileFile(folder, key), 'utf8'))
    const isOfKey = (['backend', 'version', 'device', 'batch'] as const).every((name) => profile[name] === key[name])
    return isOfKey ? profile : undefined
  } catch {
    return undefined
  }
}

/** All profiles of a pool that are stored here: of any backend, device and batch. */
export async function storedProfiles(folder: string, pool: string): Promise<LatencyProfile[]> {
  const names = await readdir(folder).catch((): string[] => [])
  const found = names.sort().map(async (name) => {
    try {
      const profile = parseProfile(await readFile(join(folder, name), 'utf8'))
      return profileFile(folder, { ...profile, pool }) === join(folder, name) ? [profile] : []
    } catch {
      return []
    }
  })
  return (await Promise.all(found)).flat()
}

/** What tells a pool from others: the SHA-256 of its manifest. */
export async function poolHash(dir: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(dir, 'manifest.json')))
    .digest('hex')
}

/** Whole or not at all. @throws what the file system says */
export async function storeProfile(folder: string, key: ProfileKey, profile: LatencyProfile): Promise<void> {
  await makeFolder(folder)
  await writeFileAtomically(profileFile(folder, key), profileText(profile))
}

export const profileText = (profile: LatencyProfile) => `${JSON.stringify(profile, null, 2)}\n`

/** A profile that somebody has written. @throws Error of one line where there is none, or it is damaged */
export async function readProfileFile(file: string): Promise<LatencyProfile> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `there is no latency profile ${file}; learngene profile writes one`
        : `${file} cannot be read: ${error.code === 'EISDIR' ? 'it is a folder; name a file' : error.message}`,
    )
  })
  return parseProfile(text, file)
}
