import { copyFile, mkdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { ByteSource } from '@learngene/interfaces'
import { writeFileAtomically } from '../atomic.js'
import { fileSource } from '../safetensors/node-file-source.js'
import { downloadTo, isIntact } from './hub-download.js'
import { type OpenOptions, publicHub } from './open-weights.js'
import { PermanentError, withRetries } from './transfer.js'
import { reasonOf } from './url-source.js'
import { modelFolder, type WeightFiles } from './weight-files.js'

export interface HubCacheOptions extends Omit<OpenOptions, 'headers' | 'chunkBytes'> {
  /** Default as for Hugging Face's own tools: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`. */
  readonly cacheDir?: string
  /** Use the cache only and no network; default as for Hugging Face's own tools: whether `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE` is 1. */
  readonly offline?: boolean
}

/** One model in the cache, whose layout is that of Hugging Face's own tools: `blobs/HASH`, `snapshots/COMMIT/FILE` linking there, `refs/REVISION`. */
interface CachedModel {
  readonly name: string
  readonly repository: string
  readonly folder: string
  readonly hub: HubClient
  readonly access: { readonly hubUrl: string; readonly accessToken?: string; readonly fetch?: typeof fetch }
  /** Why a proxy is not used that should be. */
  readonly withoutProxy?: string
  readonly options: HubCacheOptions
}

/**
 * Opens a model of the hub through the cache. Files are downloaded when they are first asked for; an interrupted download is continued. A branch or
 * tag is looked up anew each time; without a connection, or offline, what the cache has of it is used. What is damaged in the cache is fetched again. Token,
 * address, cache and proxy are those of the environment where the options give none; see `HubEnvironment`.
 *
 * @throws Error of one line when the hub has no such model, it is neither reachable nor in the cache, or a file in the cache is damaged and cannot be fetched
 */
export async function openHub(repository: string, revision: string, options: HubCacheOptions = {}): Promise<WeightFiles> {
  const hub = await importHubClient()
  const environment = await hubEnvironment()
  const proxy: ProxyFetch = options.fetch ? {} : await proxyFetch()
  const accessToken = options.accessToken ?? environment.accessToken
  const model: CachedModel = {
    name: `hf:${repository}@${revision}`,
    repository,
    folder: join(options.cacheDir ?? environment.cacheDir, hub.getRepoFolderName({ type: 'model', name: repository })),
    hub,
    access: {
      hubUrl: (options.hubUrl ?? environment.hubUrl ?? publicHub).replace(/\/+$/, ''),
      fetch: options.fetch ?? proxy.fetch,
      ...(accessToken && { accessToken }),
    },
    withoutProxy: proxy.missing,
    options: { ...options, offline: options.offline ?? environment.offline },
  }
  const { commit, notes, online } = await findCommit(model, revision)
  const place = { name: model.name, origin: repository, file: undefined, notes }
  return modelFolder({
    ...place,
    async open(file) {
      const source = await openCached(model, commit, file, online, notes)
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
  const text = await readFile(ref, 'utf8').catch(() => '')
  const [cached] = /^[0-9a-f]{40}$/.exec(text.trim()) ?? []
  if (options.offline) {
    if (cached !== undefined) return { commit: cached, notes: [], online: false }
    throw new Error(`${name}: is not in the cache ${folder}, and offline use was asked for; load it once with a connection`)
  }
  try {
    // Where the cache can stand in, only a hub that is there is asked again.
    const passes = (error: unknown) => !isRefusal(model, error) && (cached === undefined || error instanceof model.hub.HubApiError)
    const commit = await withRetries(() => commitOnHub(model, revision), options, passes)
    if (commit !== cached) {
      await mkdir(dirname(ref), { recursive: true })
      await writeFileAtomically(ref, commit)
    }
    return { commit, notes: [], online: true }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (cached === undefined || isRefusal(model, error)) throw explained(model, name, error)
    const note = `the hub could not be reached (${reasonIn(model, error)}); revision ${revision} as the cache has it, commit ${cached}, was used`
    return { commit: cached, notes: [note], online: false }
  }
}

async function commitOnHub({ hub, repository, access }: CachedModel, revision: string): Promise<string> {
  const { sha } = await hub.modelInfo({ name: repository, revision, additionalFields: ['sha'], ...access })
  if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha
  throw new Error(`the hub must give a commit for revision ${revision}; it gives ${sha}`)
}

async function openCached(
  model: CachedModel,
  commit: string,
  file: string,
  online: boolean,
  notes: string[],
): Promise<ByteSource | undefined> {
  const pointer = join(model.folder, 'snapshots', commit, file)
  const absence = markerOf(model, commit, file)
  if (await exists(pointer)) {
    const kept = await realpath(pointer)
    if (await isIntact(kept)) return fileSource(pointer)
    if (!online) {
      throw new Error(
        `${model.name}: ${file}: its copy in the cache is damaged: ${kept} has not the hash that it is named by; load it once with a connection, which replaces it`,
      )
    }
    notes.push(`${file} was damaged in the cache and was fetched again`)
  }
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
  const ask = () => hub.pathsInfo({ repo, paths: [file], revision: commit, ...access })
  const [info] = await withRetries(ask, options, (error) => !isRefusal(model, error))
  if (info === undefined) return undefined
  const { oid: hash, size } = info.lfs ?? info
  if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash))
    throw new Error(`the hub must give a SHA-1 or SHA-256; it gives ${hash}`)
  const path = join(model.folder, 'blobs', hash)
  if (await exists(path)) {
    if (await isIntact(path)) return path
    await rm(path, { force: true })
  }
  await mkdir(dirname(path), { recursive: true })
  const content = async () => {
    const blob = await hub.downloadFile({ repo, path: file, revision: commit, xet: false, ...access }).catch((error) => {
      throw isRefusal(model, error) ? new PermanentError(reasonOf(error), { cause: error }) : error
    })
    if (!blob) throw new PermanentError('the hub lists the file but does not have it')
    return blob
  }
  await downloadTo(path, { name: `${model.name}: ${file}`, size, hash, content }, options)
  return path
}

/** Whether the hub's answer will stay the same: neither a failure of its own (5xx) nor too many requests (429). */
function isRefusal({ hub }: Pick<CachedModel, 'hub'>, error: unknown): boolean {
  return error instanceof hub.HubApiError && error.statusCode < 500 && error.statusCode !== 429
}

function reasonIn({ withoutProxy }: CachedModel, error: unknown): string {
  return [reasonOf(error).replaceAll(/\s+/g, ' '), withoutProxy].filter(Boolean).join('; ')
}

/** An error of the client or the network as one line that names the model. */
function explained(model: CachedModel, name: string, error: unknown): Error {
  const text = reasonIn(model, error)
  if (text.startsWith('hf:')) return error as Error
  const { statusCode } = error instanceof model.hub.HubApiError ? error : {}
  const missing = statusCode === 401 || statusCode === 403 || statusCode === 404
  const token = model.access.accessToken ? 'the token that was sent does not open it' : 'give { accessToken }, or set HF_TOKEN'
  const hint = missing ? `there is no such model or revision, or it is not public (then ${token})` : 'cannot be read'
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

type Environment = { readonly [variable: string]: string | undefined }

/** What the environment says about the hub, read as Hugging Face's own tools read it. */
export interface HubEnvironment {
  /** `HF_ENDPOINT`. */
  readonly hubUrl?: string
  /** `HF_HUB_CACHE` or `HUGGINGFACE_HUB_CACHE`, else `hub` in `HF_HOME`, which is `huggingface` in `XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheDir: string
  /** `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  readonly offline: boolean
  /**
   * `HF_TOKEN` or `HUGGING_FACE_HUB_TOKEN`, else the file that `hf auth login` writes: `HF_TOKEN_PATH`, or `token` in `HF_HOME`. None where
   * `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
   */
  readonly accessToken?: string
}

export async function hubEnvironment(environment: Environment = process.env): Promise<HubEnvironment> {
  const path = (variable: string) => environment[variable]?.replace(/^~(?=$|[/\\])/, homedir()) || undefined
  const home = path('HF_HOME') ?? join(path('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface')
  const accessToken = await tokenIn(environment, path('HF_TOKEN_PATH') ?? join(home, 'token'))
  return {
    ...(environment.HF_ENDPOINT && { hubUrl: environment.HF_ENDPOINT }),
    cacheDir: path('HF_HUB_CACHE') ?? path('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    offline: isTrue(environment.HF_HUB_OFFLINE) || isTrue(environment.TRANSFORMERS_OFFLINE),
    ...(accessToken && { accessToken }),
  }
}

async function tokenIn(environment: Environment, path: string): Promise<string | undefined> {
  if (isTrue(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined
  const stated = environment.HF_TOKEN?.trim() || environment.HUGGING_FACE_HUB_TOKEN?.trim()
  return stated || (await readFile(path, 'utf8').catch(() => '')).trim() || undefined
}

function isTrue(value: string | undefined): boolean {
  return /^(1|true|yes|on)$/i.test(value ?? '')
}

/** A `fetch` that goes through the environment's proxy, or what is missing for that; neither where there is no proxy, or Node itself uses it. */
export interface ProxyFetch {
  readonly fetch?: typeof fetch
  /** A hint for errors. */
  readonly missing?: string
}

/**
 * Node's own `fetch` passes over `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, unless it is told to use them (`NODE_USE_ENV_PROXY=1`,
 * from Node 22.21 on); the package undici, an optional peer dependency, does not.
 */
export async function proxyFetch(
  environment: Environment = process.env,
  load: () => Promise<typeof import('undici')> = () => import('undici'),
): Promise<ProxyFetch> {
  const value = (variable: string) => environment[variable.toLowerCase()] || environment[variable] || undefined
  const all = value('ALL_PROXY')
  const [httpsProxy, httpProxy] = [value('HTTPS_PROXY') ?? all, value('HTTP_PROXY') ?? all]
  const inNode = isTrue(environment.NODE_USE_ENV_PROXY) && process.allowedNodeEnvironmentFlags.has('--use-env-proxy')
  if ((httpsProxy ?? httpProxy) === undefined || inNode) return {}
  let undici: typeof import('undici')
  try {
    undici = await load()
  } catch {
    return { missing: 'the environment names a proxy, which takes the package undici: npm install undici' }
  }
  const dispatcher = new undici.EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy: value('NO_PROXY') })
  const throughProxy = (url: string, init?: object) => undici.fetch(url, { ...init, dispatcher })
  return { fetch: throughProxy as unknown as typeof fetch }
}

/** What of `@huggingface/hub` is used. */
type HubClient = Pick<typeof import('@huggingface/hub'), 'downloadFile' | 'getRepoFolderName' | 'HubApiError' | 'modelInfo' | 'pathsInfo'>

/** @throws Error when the package, an optional peer dependency, is not installed */
export async function importHubClient(load: () => Promise<HubClient> = () => import('@huggingface/hub')): Promise<HubClient> {
  try {
    return await load()
  } catch (error) {
    throw new Error("'hf:' addresses with a cache need the package @huggingface/hub: npm install @huggingface/hub", { cause: error })
  }
}
