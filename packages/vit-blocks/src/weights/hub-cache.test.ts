import '@tensorflow/tfjs-backend-cpu'
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportEvent } from '@learngene/interfaces'
import { startHub, type TestHub, testRepository } from '@learngene/testing/hub-server'
import { startProxy } from '@learngene/testing/server'
import { memory, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { disposeNetwork, forward } from '../network.js'
import { loadViT } from '../node.js'
import { relativeError } from '../reference/check-reference.js'
import { type HubCacheOptions, hubEnvironment, importHubClient, openHub, proxyFetch } from './hub-cache.js'
import { goldenFiles, goldenImages, goldenLogits } from './testing/golden.js'

describe('openHub', () => {
  const weights = 'model.safetensors'

  let hub: TestHub

  let cacheDir: string

  let options: HubCacheOptions

  beforeEach(async () => {
    hub = await startHub({ ...goldenFiles('vit') })
    cacheDir = await mkdtemp(join(tmpdir(), 'hub-'))
    options = { hubUrl: hub.url, cacheDir, retryDelay: 1, offline: false }
    for (const proxy of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) for (const name of [proxy, proxy.toLowerCase()]) vi.stubEnv(name, '')
    for (const token of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH']) vi.stubEnv(token, '')
    vi.stubEnv('HF_HOME', join(cacheDir, 'home'))
  })

  afterEach(async () => {
    vi.unstubAllEnvs()
    await hub.close()
    await rm(cacheDir, { recursive: true })
  })

  const modelFolder = () => join(cacheDir, 'models--facebook--deit-test')

  const downloads = () => hub.requests.filter((request) => request.includes('/storage/') && !request.endsWith('bytes=0-0'))

  const bytesOf = async (file: string, changes: HubCacheOptions = {}) => {
    const source = await (await openHub(testRepository, 'main', { ...options, ...changes })).open(file)
    return source?.slice(0, source.byteLength)
  }

  it('loads a model through the cache, laid out as by Hugging Face’s tools', async () => {
    const { network, details, notes } = await loadViT(`hf:${testRepository}`, { ...options, epsilon: 1e-12 })
    tidy(() => {
      const { logits } = forward(network, goldenImages())
      expect(relativeError(logits.dataSync(), goldenLogits.vit)).toBeLessThan(1e-5)
    })
    expect(details).toMatchObject({ normalisation: { mean: [0.485, 0.456, 0.406] }, classNames: ['ant', 'bee', 'cat'] })
    expect(notes).toHaveLength(2)
    disposeNetwork(network)
    const snapshot = join(modelFolder(), 'snapshots', hub.commit)
    expect((await readdir(snapshot)).sort()).toEqual(['config.json', weights])
    expect((await lstat(join(snapshot, weights))).isSymbolicLink()).toBe(true)
    expect(await readFile(join(modelFolder(), 'refs/main'), 'utf8')).toBe(hub.commit)
    expect(await readdir(join(modelFolder(), 'blobs'))).toHaveLength(2)
    expect(await readdir(join(modelFolder(), '.no_exist', hub.commit))).toEqual(['preprocessor_config.json'])
  })

  it('loads shards', async () => {
    hub.files = goldenFiles('deit-distilled')
    const { network } = await loadViT(`hf:${testRepository}`, { ...options, epsilon: 1e-12 })
    tidy(() => {
      const { logits } = forward(network, goldenImages())
      expect(relativeError(logits.dataSync(), goldenLogits['deit-distilled'])).toBeLessThan(1e-5)
    })
    disposeNetwork(network)
  })

  it('downloads each file once, and again when the branch has moved on', async () => {
    await bytesOf(weights)
    expect(downloads()).toHaveLength(1)
    await bytesOf(weights)
    expect(downloads()).toHaveLength(1)
    hub.commit = 'b'.repeat(40)
    await bytesOf(weights)
    expect(downloads(), 'the content is the same').toHaveLength(1)
    hub.commit = 'c'.repeat(40)
    hub.files = { [weights]: hub.files[weights]!.slice(0, -1) }
    expect(await bytesOf(weights)).toEqual(hub.files[weights])
    expect(downloads()).toHaveLength(2)
  })

  it('reports progress', async () => {
    const events: ReportEvent[] = []
    await bytesOf(weights, { report: (event) => events.push(event) })
    const { length } = hub.files[weights]!
    expect(events[0]).toEqual({ kind: 'stage', name: `download hf:${testRepository}@main: ${weights}`, total: length })
    expect(events.at(-1)).toEqual({ kind: 'progress', done: length, total: length })
  })

  it('continues an interrupted download where it broke, within a call and in a later one', async () => {
    hub.sabotage = () => ({ breakAfter: 4000 })
    await expect(bytesOf(weights, { retries: 1 })).rejects.toThrow(`hf:${testRepository}@main: ${weights}: cannot be read: `)
    const [incomplete] = await readdir(join(modelFolder(), 'blobs'))
    expect(incomplete).toMatch(/^[0-9a-f]{64}\.incomplete$/)
    expect((await stat(join(modelFolder(), 'blobs', incomplete!))).size).toBe(8000)
    hub.sabotage = () => ({})
    const events: ReportEvent[] = []
    expect(await bytesOf(weights, { report: (event) => events.push(event) })).toEqual(hub.files[weights])
    expect(downloads().map((request) => request.split(' ')[2])).toEqual([undefined, 'bytes=4000-10459', 'bytes=8000-10459'])
    expect(events[1]).toMatchObject({ done: hub.files[weights]!.length })
    expect(await readdir(join(modelFolder(), 'blobs'))).toHaveLength(1)
  })

  it('refuses a damaged download and keeps nothing of it', async () => {
    const damaged = hub.files[weights]!.slice()
    damaged[5000]! ^= 1
    hub.sabotage = () => ({ bytes: damaged })
    await expect(bytesOf(weights)).rejects.toThrow('the download was damaged and removed, try again')
    expect(await readdir(join(modelFolder(), 'blobs'))).toEqual([])
    hub.sabotage = () => ({})
    expect(await bytesOf(weights)).toEqual(hub.files[weights])
  })

  it('lets two loads of the same file run side by side', async () => {
    const both = await Promise.all([bytesOf(weights), bytesOf(weights)])
    for (const bytes of both) expect(bytes).toEqual(hub.files[weights])
    expect(await readdir(join(modelFolder(), 'blobs'))).toHaveLength(1)
  })

  it('stops when it is aborted, and keeps what came', async () => {
    const abort = new AbortController()
    const report = (event: ReportEvent) => event.kind === 'progress' && abort.abort(new Error('enough'))
    hub.sabotage = () => ({ breakAfter: 4000 })
    await expect(bytesOf(weights, { signal: abort.signal, report })).rejects.toThrow('enough')
    expect((await readdir(join(modelFolder(), 'blobs')))[0]).toMatch(/\.incomplete$/)
  })

  it('works offline from the cache, without a request', async () => {
    const load = (changes: HubCacheOptions) => loadViT(`hf:${testRepository}`, { ...options, ...changes })
    disposeNetwork((await load({})).network)
    const { length } = hub.requests
    for (const revision of ['main', hub.commit]) {
      const { network, notes } = await loadViT(`hf:${testRepository}@${revision}`, { ...options, offline: true })
      expect(notes.filter((note) => note.includes('hub'))).toEqual([])
      disposeNetwork(network)
    }
    expect(hub.requests).toHaveLength(length)
    await hub.close()
    const { network, notes } = await load({ retries: 0 })
    expect(notes[0]).toBe(
      `the hub could not be reached (fetch failed: ECONNREFUSED); revision main as the cache has it, commit ${hub.commit}, was used`,
    )
    disposeNetwork(network)
  })

  it('says offline which configuration the cache lacks, unless the hub had none', async () => {
    await bytesOf(weights)
    const { network, notes } = await loadViT(`hf:${testRepository}`, {
      ...options,
      offline: true,
      heads: 2,
      activation: 'gelu',
      epsilon: 1e-6,
    })
    expect(notes).toEqual([
      'config.json is not in the cache, and the hub was not asked for it; what it may state is not known',
      'the files do not tell, so were assumed: images of 12 x 12; say otherwise with { imageSize }',
    ])
    disposeNetwork(network)
  })

  it('says what the cache lacks', async () => {
    const before = memory().numTensors
    const load = (revision: string, changes: HubCacheOptions = {}) =>
      loadViT(`hf:${testRepository}@${revision}`, { ...options, ...changes })
    await expect(load('main', { offline: true })).rejects.toThrow(
      `hf:${testRepository}@main: is not in the cache ${modelFolder()}, and offline use was asked for; load it once with a connection`,
    )
    await expect(load(hub.commit, { offline: true })).rejects.toThrow(
      `must hold model.safetensors or model.safetensors.index.json or open_clip_model.safetensors; it holds none of them`,
    )
    await hub.close()
    await expect(load('main')).rejects.toThrow(`hf:${testRepository}@main: cannot be read: fetch failed: ECONNREFUSED`)
    expect(memory().numTensors).toBe(before)
  })

  it('says what the hub lacks', async () => {
    await expect(openHub('nobody/nothing', 'main', options)).rejects.toThrow(
      /^hf:nobody\/nothing@main: there is no such model or revision, or it is not public \(then give \{ accessToken \}, or set HF_TOKEN\): Repository not found\. [^\n]*$/,
    )
    await expect(openHub(testRepository, 'v9', options)).rejects.toThrow(
      /^hf:facebook\/deit-test@v9: there is no such .* Invalid rev id: v9/,
    )
    hub.files = {}
    await expect(openHub(testRepository, 'main', options)).rejects.toThrow(
      `hf:${testRepository}@main: must hold model.safetensors or model.safetensors.index.json or open_clip_model.safetensors; it holds none of them`,
    )
  })

  describe('a hub that fails for a moment', () => {
    /** Fails so many times on the paths that hold the text. */
    const failing = (times: number, text: string, status = 503) => {
      let left = times
      hub.refuse = (path) => (path.includes(text) && left-- > 0 ? status : undefined)
    }
    const asked = (text: string) => hub.requests.filter((request) => request.includes(text)).length

    it.each([
      ['/revision/', 503],
      ['/revision/', 429],
      ['/paths-info/', 502],
      ['/storage/', 500],
    ])('is asked again: %s answers %i', async (path, status) => {
      failing(2, path, status)
      expect(await bytesOf(weights)).toEqual(hub.files[weights])
      const once = path === '/storage/' ? 2 : 1
      expect(asked(path)).toBeGreaterThanOrEqual(once + 2)
    })

    it('is replaced by the cache where it goes on failing', async () => {
      await bytesOf(weights)
      failing(Number.POSITIVE_INFINITY, '/revision/')
      const before = asked('/revision/')
      const { notes } = await openHub(testRepository, 'main', { ...options, retries: 2 })
      expect(asked('/revision/') - before).toBe(3)
      expect(notes[0]).toMatch(
        /^the hub could not be reached \(refused\. URL: .*\); revision main as the cache has it, commit a+, was used$/,
      )
    })

    it('is named where there is nothing to replace it', async () => {
      failing(Number.POSITIVE_INFINITY, '/revision/')
      await expect(openHub(testRepository, 'main', { ...options, retries: 1 })).rejects.toThrow(
        `hf:${testRepository}@main: cannot be read: refused`,
      )
      expect(asked('/revision/')).toBe(2)
    })

    it('is not asked again what it refuses', async () => {
      failing(1, '/revision/', 403)
      await expect(openHub(testRepository, 'main', options)).rejects.toThrow(
        'or it is not public (then give { accessToken }, or set HF_TOKEN): refused',
      )
      expect(asked('/revision/')).toBe(1)
    })
  })

  describe('a damaged file in the cache', () => {
    const blobOf = (file: string) => realpath(join(modelFolder(), 'snapshots', hub.commit, file))
    const spoil = {
      'a bit': async (path: string) => {
        const bytes = await readFile(path)
        bytes[bytes.length - 9]! ^= 1
        await writeFile(path, bytes)
      },
      'the end': (path: string) => truncate(path, 100),
    }

    it.each(Object.entries(spoil))('is fetched again by itself: %s', async (_, spoiled) => {
      for (const file of [weights, 'config.json']) {
        await bytesOf(file)
        const path = await blobOf(file)
        await spoiled(path)
        const files = await openHub(testRepository, 'main', options)
        const source = (await files.open(file))!
        expect(await source.slice(0, source.byteLength)).toEqual(hub.files[file])
        expect(files.notes).toEqual([`${file} was damaged in the cache and was fetched again`])
        expect(new Uint8Array(await readFile(path))).toEqual(hub.files[file])
      }
      expect((await openHub(testRepository, 'main', options)).notes).toEqual([])
    })

    it('is named with its path offline', async () => {
      await bytesOf(weights)
      const path = await blobOf(weights)
      await spoil['a bit'](path)
      await expect(bytesOf(weights, { offline: true })).rejects.toThrow(
        `hf:${testRepository}@main: ${weights}: its copy in the cache is damaged: ${path} has not the hash that it is named by; load it once with a connection, which replaces it`,
      )
    })

    it('is found where a new commit would use it, and kept out where it cannot be fetched', async () => {
      await bytesOf(weights)
      await spoil['a bit'](await blobOf(weights))
      hub.commit = 'b'.repeat(40)
      expect(await bytesOf(weights)).toEqual(hub.files[weights])
      await spoil['the end'](await blobOf(weights))
      hub.sabotage = () => ({ status: 403 })
      await expect(bytesOf(weights)).rejects.toThrow(`${weights}: cannot be read: `)
    })

    it('may be the name of a commit', async () => {
      await bytesOf(weights)
      await writeFile(join(modelFolder(), 'refs/main'), '<html>')
      expect(await bytesOf(weights)).toEqual(hub.files[weights])
      expect(await readFile(join(modelFolder(), 'refs/main'), 'utf8')).toBe(hub.commit)
    })
  })

  it('sends the token of the environment, unless another is given', async () => {
    const sent = async (changes: HubCacheOptions = {}) => {
      hub.authorizations.length = 0
      await openHub(testRepository, 'main', { ...options, ...changes })
      return hub.authorizations[0]
    }
    expect(await sent()).toBeUndefined()
    vi.stubEnv('HF_TOKEN', 'hf_environment')
    expect(await sent()).toBe('Bearer hf_environment')
    expect(await sent({ accessToken: 'hf_own' })).toBe('Bearer hf_own')
    hub.refuse = () => 403
    await expect(openHub(testRepository, 'main', options)).rejects.toThrow(
      'it is not public (then the token that was sent does not open it): refused',
    )
  })

  it('takes address and cache from the environment', async () => {
    vi.stubEnv('HF_ENDPOINT', `${hub.url}/`)
    const { hubUrl: _, cacheDir: __, ...rest } = options
    const files = await openHub(testRepository, 'main', rest)
    await files.open('config.json')
    expect(await readdir(join(cacheDir, 'home/hub/models--facebook--deit-test/snapshots', hub.commit))).toContain('config.json')
  })

  it('goes through the proxy of the environment, and says what that takes', async () => {
    const proxy = await startProxy()
    vi.stubEnv('http_proxy', proxy.url)
    expect(await bytesOf(weights)).toEqual(hub.files[weights])
    expect(new Set(proxy.tunnels)).toEqual(new Set([new URL(hub.url).host]))
    const before = proxy.tunnels.length
    vi.stubEnv('no_proxy', '127.0.0.1')
    await bytesOf('config.json')
    expect(proxy.tunnels).toHaveLength(before)
    await proxy.close()
  })

  it('asks to install the client where it is missing', async () => {
    const missing = () => Promise.reject(new Error('Cannot find package'))
    await expect(importHubClient(missing)).rejects.toThrow(
      "'hf:' addresses with a cache need the package @huggingface/hub: npm install @huggingface/hub",
    )
  })
})

describe('hubEnvironment', () => {
  let home: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'hub-environment-'))
  })

  afterEach(() => rm(home, { recursive: true }))

  it.each([
    [{ HF_HUB_CACHE: '/a' }, '/a'],
    [{ HUGGINGFACE_HUB_CACHE: '/b', HF_HOME: '/c' }, '/b'],
    [{ HF_HOME: '/c', XDG_CACHE_HOME: '/d' }, join('/c', 'hub')],
    [{ XDG_CACHE_HOME: '/d' }, join('/d', 'huggingface', 'hub')],
    [{ HF_HOME: '~/models' }, join(homedir(), 'models', 'hub')],
    [{ HF_HOME: '' }, join(homedir(), '.cache', 'huggingface', 'hub')],
  ])('finds the cache: %j', async (environment, expected) => {
    expect((await hubEnvironment(environment)).cacheDir).toBe(expected)
  })

  it('finds the token, in the order of Hugging Face’s tools', async () => {
    await writeFile(join(home, 'token'), 'hf_home\n')
    await mkdir(join(home, 'other'))
    await writeFile(join(home, 'other', 'mine'), 'hf_path')
    const token = async (environment: { [variable: string]: string }) =>
      (await hubEnvironment({ HF_HOME: home, ...environment })).accessToken
    expect(await token({})).toBe('hf_home')
    expect(await token({ HF_TOKEN_PATH: join(home, 'other', 'mine') })).toBe('hf_path')
    expect(await token({ HUGGING_FACE_HUB_TOKEN: 'hf_older' })).toBe('hf_older')
    expect(await token({ HF_TOKEN: ' hf_newer\n', HUGGING_FACE_HUB_TOKEN: 'hf_older' })).toBe('hf_newer')
    expect(await token({ HF_TOKEN: '' })).toBe('hf_home')
    expect(await token({ HF_TOKEN: 'hf_newer', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBeUndefined()
    expect(await token({ HF_HOME: join(home, 'none') })).toBeUndefined()
  })

  it('reads address and offline use', async () => {
    expect(await hubEnvironment({ HF_HOME: home, HF_ENDPOINT: 'https://mirror' })).toMatchObject({
      hubUrl: 'https://mirror',
      offline: false,
    })
    for (const variable of ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) {
      for (const value of ['1', 'TRUE', 'yes', 'on'])
        expect((await hubEnvironment({ HF_HOME: home, [variable]: value })).offline).toBe(true)
      for (const value of ['', '0', 'no']) expect((await hubEnvironment({ HF_HOME: home, [variable]: value })).offline).toBe(false)
    }
  })

  it('needs nothing without a proxy, and undici with one', async () => {
    expect(await proxyFetch({ NO_PROXY: 'localhost' })).toEqual({})
    for (const variable of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY']) {
      expect((await proxyFetch({ [variable]: 'http://127.0.0.1:9' })).fetch).toBeTypeOf('function')
      expect(await proxyFetch({ [variable]: 'http://127.0.0.1:9' }, () => Promise.reject(new Error('missing')))).toEqual({
        missing: 'the environment names a proxy, which takes the package undici: npm install undici',
      })
    }
  })
})
