import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hubEnvironment, proxyFetch } from './hub-environment.js'

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
  const token = async (environment: { [variable: string]: string }) => (await hubEnvironment({ HF_HOME: home, ...environment })).accessToken
  expect(await token({})).toBe('hf_home')
  expect(await token({ HF_TOKEN_PATH: join(home, 'other', 'mine') })).toBe('hf_path')
  expect(await token({ HUGGING_FACE_HUB_TOKEN: 'hf_older' })).toBe('hf_older')
  expect(await token({ HF_TOKEN: ' hf_newer\n', HUGGING_FACE_HUB_TOKEN: 'hf_older' })).toBe('hf_newer')
  expect(await token({ HF_TOKEN: '' })).toBe('hf_home')
  expect(await token({ HF_TOKEN: 'hf_newer', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBeUndefined()
  expect(await token({ HF_HOME: join(home, 'none') })).toBeUndefined()
})

it('reads address and offline use', async () => {
  expect(await hubEnvironment({ HF_HOME: home, HF_ENDPOINT: 'https://mirror' })).toMatchObject({ hubUrl: 'https://mirror', offline: false })
  for (const variable of ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) {
    for (const value of ['1', 'TRUE', 'yes', 'on']) expect((await hubEnvironment({ HF_HOME: home, [variable]: value })).offline).toBe(true)
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
