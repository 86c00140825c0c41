import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { describeMachine, isSupported, withoutCredentials } from './machine.js'

it('supports the versions of Node that the package names', () => {
  expect(manifest.engines.node).toBe('^20.19 || >=22.12')
  const versions = ['18.20.0', '20.18.9', '20.19.0', '21.7.0', '22.11.0', '22.12.0', '23.0.0', '24.1.0']
  expect(versions.filter(isSupported)).toEqual(['20.19.0', '22.12.0', '23.0.0', '24.1.0'])
})

it('tells the machine, and makes nothing', async () => {
  const home = join(await temporaryDirectory(), 'not', 'there')
  const { node, processor, memory, disks, threads, hub, proxies } = await describeMachine({ HF_HOME: home })
  expect(node.version).toBe(process.versions.node)
  expect(processor.cores).toBeGreaterThanOrEqual(1)
  expect(memory.available).toBeGreaterThan(0)
  expect(memory.available).toBeLessThanOrEqual(memory.total)
  expect(disks.map(({ use }) => use)).toEqual(['working directory', 'hub cache', 'TensorFlow', 'temporary files'])
  for (const { free, writable } of disks) expect([free > 0, writable]).toEqual([true, true])
  expect(disks[1]!.folder).toBe(join(home, 'hub'))
  expect(threads).toEqual({ works: true, reason: null })
  expect(hub).toEqual({ cache: join(home, 'hub'), client: true, token: false, offline: false, endpoint: null })
  expect(proxies).toEqual({ variables: {}, missing: null })
})

it('keeps tokens and passwords to itself', async () => {
  const home = await temporaryDirectory()
  await writeFile(join(home, 'token'), 'hf_fromfile')
  const environments = [
    { HF_HOME: home },
    {
      HF_HOME: home,
      HF_TOKEN: 'hf_secret',
      HTTPS_PROXY: 'http://me:secret@proxy:3128',
      http_proxy: 'me:secret@p@proxy',
      NO_PROXY: 'localhost',
      HF_ENDPOINT: 'https://a:secret@hub',
      HF_HUB_OFFLINE: '1',
    },
  ]
  const [fromFile, fromVariable] = await Promise.all(environments.map((environment) => describeMachine(environment)))
  expect(fromFile!.hub.token).toBe(true)
  expect(fromVariable!.hub).toMatchObject({ token: true, offline: true, endpoint: 'https://***@hub' })
  expect(fromVariable!.proxies.variables).toEqual({ HTTPS_PROXY: 'http://***@proxy:3128', http_proxy: '***@proxy', NO_PROXY: 'localhost' })
  expect(JSON.stringify([fromFile, fromVariable])).not.toMatch(/secret|fromfile|hf_|p@/)
  expect(fromVariable!.proxies.missing).toMatch(/^it cannot be used: /)
  await rm(home, { recursive: true })
})

it.each([
  ['http://proxy:80', 'http://proxy:80'],
  ['http://a:b@proxy:80', 'http://***@proxy:80'],
  ['socks5://a:b@c@proxy', 'socks5://***@proxy'],
  ['a:b@proxy', '***@proxy'],
])('%s is shown as %s', (address, shown) => {
  expect(withoutCredentials(address)).toBe(shown)
})
