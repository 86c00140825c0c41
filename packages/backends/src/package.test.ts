import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DAWN_VERSION } from './webgpu/gpu.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'))
const LISTS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']

test('every backend package is an optional peer', () => {
  const { peerDependencies, peerDependenciesMeta } = read('packages/backends/package.json')
  const names = ['backend-cpu', 'backend-wasm', 'backend-webgpu', 'node', 'node-gpu'].map((name) => `@tensorflow/tfjs-${name}`)
  expect(Object.keys(peerDependenciesMeta)).toEqual([...names, 'webgpu'])
  // Its experimental features change from version to version.
  expect([peerDependencies.webgpu, read('package.json').devDependencies.webgpu]).toEqual([DAWN_VERSION, DAWN_VERSION])
  for (const name of names) {
    expect(peerDependencies[name]).toBe('4.22.0')
    expect(peerDependenciesMeta[name]).toEqual({ optional: true })
  }
})

test('no manifest lists tfjs-node or tfjs-node-gpu but as an optional peer: npm would run its installer, which fails', () => {
  const manifests = ['package.json', ...readdirSync(new URL('packages', root)).map((name) => `packages/${name}/package.json`)]
  for (const path of manifests) {
    const manifest = read(path)
    for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']) {
      const lists = LISTS.filter((list) => manifest[list]?.[name] !== undefined)
      if (lists.length > 0)
        expect([path, lists, manifest.peerDependenciesMeta?.[name]]).toEqual([path, ['peerDependencies'], { optional: true }])
    }
  }
})
