import '@tensorflow/tfjs-backend-cpu'
import { lstat, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportEvent } from '@learngene/interfaces'
import { memory, tidy } from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { disposeNetwork, forward } from '../network.js'
import { loadViT } from '../node.js'
import { relativeError } from '../reference/relative-error.js'
import { type HubCacheOptions, openHub } from './hub-cache.js'
import { importHubClient } from './hub-client.js'
import { goldenFiles, goldenImages, goldenLogits } from './testing/golden.js'
import { startHub, type TestHub, testRepository } from './testing/hub-server.js'

const weights = 'model.safetensors'
let hub: TestHub
let cacheDir: string
let options: HubCacheOptions
beforeEach(async () => {
  hub = await startHub({ ...goldenFiles('vit') })
  cacheDir = await mkdtemp(join(tmpdir(), 'hub-'))
  options = { hubUrl: hub.url, cacheDir, retryDelay: 1, offline: false }
})
afterEach(async () => {
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
  const { network, notes } = await loadViT(`hf:${testRepository}`, { ...options, offline: true, heads: 2 })
  expect(notes).toEqual(['config.json is not in the cache, and the hub was not asked for it; what it may state is not known'])
  disposeNetwork(network)
})

it('says what the cache lacks', async () => {
  const before = memory().numTensors
  const load = (revision: string, changes: HubCacheOptions = {}) => loadViT(`hf:${testRepository}@${revision}`, { ...options, ...changes })
  await expect(load('main', { offline: true })).rejects.toThrow(
    `hf:${testRepository}@main: is not in the cache ${modelFolder()}, and offline use was asked for; load it once with a connection`,
  )
  await expect(load(hub.commit, { offline: true })).rejects.toThrow(
    `must hold model.safetensors or model.safetensors.index.json; it holds neither`,
  )
  await hub.close()
  await expect(load('main')).rejects.toThrow(`hf:${testRepository}@main: cannot be read: fetch failed: ECONNREFUSED`)
  expect(memory().numTensors).toBe(before)
})

it('says what the hub lacks', async () => {
  await expect(openHub('nobody/nothing', 'main', options)).rejects.toThrow(
    /^hf:nobody\/nothing@main: there is no such model or revision, or it is not public \(then give \{ accessToken \}\): Repository not found\. [^\n]*$/,
  )
  await expect(openHub(testRepository, 'v9', options)).rejects.toThrow(/^hf:facebook\/deit-test@v9: there is no such .* Invalid rev id: v9/)
  hub.files = {}
  await expect(openHub(testRepository, 'main', options)).rejects.toThrow(
    `hf:${testRepository}@main: must hold model.safetensors or model.safetensors.index.json; it holds neither`,
  )
})

it('asks to install the client where it is missing', async () => {
  const missing = () => Promise.reject(new Error('Cannot find package'))
  await expect(importHubClient(missing)).rejects.toThrow(
    "'hf:' addresses with a cache need the package @huggingface/hub: npm install @huggingface/hub",
  )
})
