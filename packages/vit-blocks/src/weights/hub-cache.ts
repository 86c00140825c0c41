import { copyFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { ByteSource } from '@learngene/interfaces'
import { fileSource } from '../safetensors/node-file-source.js'
import { writeFileAtomically } from '../write-file.js'
import { modelFolder } from './folder.js'
import { type HubClient, importHubClient } from './hub-client.js'
import { downloadTo } from './hub-download.js'
import { type OpenOptions, publicHub } from './open-weights.js'
import { PermanentError } from './retry.js'
import { reasonOf } from './url-source.js'
import type { WeightFiles } from './weight-files.js'

export interface HubCacheOptions extends Omit<OpenOptions, 'headers' | 'chunkBytes'> {
  /** Default as for Hugging Face's own tools: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`. */
  readonly cacheDir?: string
  /** Use the cache only and no network; default whether the environment variable `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean
}

/** One model in the cache, whose layout is that of Hugging Face's own tools: `blobs/HASH`, `snapshots/COMMIT/FILE` linking there, `refs/REVISION`. */
interface CachedModel {
  readonly name: string
  readonly repository: string
  readonly folder: string
  readonly hub: HubClient
  readonly access: { readonly hubUrl: string; readonly accessToken?: string; readonly fetch?: typeof fetch }
  readonly options: HubCacheOptions
}

/**
 * Opens a model of the hub through the cache. Files are downloaded when they are first asked for; an interrupted download is continued. A branch or
 * tag is looked up anew each time; without a connection, or offline, what the cache has of it is used.
 *
 * @throws Error of one line when the hub has no such model, or it is neither reachable nor in the cache
 */
export async function openHub(repository: string, revision: string, options: HubCacheOptions = {}): Promise<WeightFiles> {
  const hub = await importHubClient()
  const environment = process.env
  const accessToken = options.accessToken ?? environment.HF_TOKEN
  const model: CachedModel = {
    name: `hf:${repository}@${revision}`,
    repository,
    folder: join(options.cacheDir ?? hub.getHFHubCachePath(), hub.getRepoFolderName({ type: 'model', name: repository })),
    hub,
    access: {
      hubUrl: (options.hubUrl ?? environment.HF_ENDPOINT ?? publicHub).replace(/\/+$/, ''),
      fetch: options.fetch,
      ...(accessToken && { accessToken }),
    },
    options: { ...options, offline: options.offline ?? /^(1|true|yes|on)$/i.test(environment.HF_HUB_OFFLINE ?? '') },
  }
  const { commit, notes, online } = await findCommit(model, revision)
  const place = { name: model.name, origin: repository, file: undefined, notes }
  return modelFolder({
    ...place,
    async open(file) {
      const source = await openCached(model, commit, file, online)
      if (source === undefined && !online && file.endsWith('config.json') && !(await exists(markerOf(model, commit, file)))) {
        notes.push(`${file} is not in the cache, and the hub was not asked for it; what it may state is not known`)
      }
      return source
    },
  })
}

async function findCommit(model: CachedModel, revision: string): Promise<{ commit: string; notes: string[]; online: boolean }> {
  const { name, folder, options } = model
  if (/^[0-9a-f]{40}$/.test(revision)) return { commit: revision, notes: [], online: !options.offline }
  const ref = join(folder, 'refs', ...revision.split('/'))
  const cached = await readFile(ref, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
  if (options.offline) {
    if (cached !== undefined) return { commit: cached, notes: [], online: false }
    throw new Error(`${name}: is not in the cache ${folder}, and offline use was asked for; load it once with a connection`)
  }
  try {
    const commit = await commitOnHub(model, revision)
    if (commit !== cached) {
      await mkdir(dirname(ref), { recursive: true })
      await writeFileAtomically(ref, commit)
    }
    return { commit, notes: [], online: true }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (cached === undefined || error instanceof model.hub.HubApiError) throw explained(model, name, error)
    const note = `the hub could not be reached (${reasonOf(error)}); revision ${revision} as the cache has it, commit ${cached}, was used`
    return { commit: cached, notes: [note], online: false }
  }
}

async function commitOnHub({ hub, repository, access }: CachedModel, revision: string): Promise<string> {
  const { sha } = await hub.modelInfo({ name: repository, revision, additionalFields: ['sha'], ...access })
  if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha
  throw new Error(`the hub must give a commit for revision ${revision}; it gives ${sha}`)
}

async function openCached(model: CachedModel, commit: string, file: string, online: boolean): Promise<ByteSource | undefined> {
  const pointer = join(model.folder, 'snapshots', commit, file)
  const absence = markerOf(model, commit, file)
  if (await exists(pointer)) return fileSource(pointer)
  if (!online || (await exists(absence))) return undefined
  const blob = await downloadBlob(model, commit, file).catch((error) => {
    model.options.signal?.throwIfAborted()
    throw explained(model, `${model.name}: ${file}`, error)
  })
  if (blob === undefined) {
    await mkdir(dirname(absence), { recursive: true })
    await writeFile(absence, '')
    return undefined
  }
  await mkdir(dirname(pointer), { recursive: true })
  await link(blob, pointer)
  return fileSource(pointer)
}

/** Where the cache keeps in mind that the model has no such file. */
function markerOf({ folder }: CachedModel, commit: string, file: string): string {
  return join(folder, '.no_exist', commit, file)
}

/** The path of the file's content, downloaded where it is not there yet; undefined where the model has no such file. */
async function downloadBlob(model: CachedModel, commit: string, file: string): Promise<string | undefined> {
  const { hub, repository, access, options } = model
  const repo = { type: 'model', name: repository } as const
  const [info] = await hub.pathsInfo({ repo, paths: [file], revision: commit, ...access })
  if (info === undefined) return undefined
  const { oid: hash, size } = info.lfs ?? info
  if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash))
    throw new Error(`the hub must give a SHA-1 or SHA-256; it gives ${hash}`)
  const path = join(model.folder, 'blobs', hash)
  if (await exists(path)) return path
  await mkdir(dirname(path), { recursive: true })
  const content = async () => {
    const blob = await hub.downloadFile({ repo, path: file, revision: commit, xet: false, ...access }).catch((error) => {
      const refused = error instanceof hub.HubApiError && error.statusCode < 500 && error.statusCode !== 429
      throw refused ? new PermanentError(reasonOf(error), { cause: error }) : error
    })
    if (!blob) throw new PermanentError('the hub lists the file but does not have it')
    return blob
  }
  await downloadTo(path, { name: `${model.name}: ${file}`, size, hash, content }, options)
  return path
}

/** An error of the client or the network as one line that names the model. */
function explained({ hub }: CachedModel, name: string, error: unknown): Error {
  const text = reasonOf(error).replaceAll(/\s+/g, ' ')
  if (text.startsWith('hf:')) return error as Error
  const { statusCode } = error instanceof hub.HubApiError ? error : {}
  const missing = statusCode === 401 || statusCode === 403 || statusCode === 404
  const hint = missing ? 'there is no such model or revision, or it is not public (then give { accessToken })' : 'cannot be read'
  return new Error(`${name}: ${hint}: ${text}`, { cause: error })
}

async function link(blob: string, pointer: string): Promise<void> {
  try {
    await symlink(relative(dirname(pointer), blob), pointer)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    // Windows allows links to administrators and developers only.
    await copyFile(blob, pointer)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
