import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { fetchPackages, packedFile } from './fetch-packages.js'
import { programs } from './programs.fixture.js'

let root: string
beforeEach(async () => {
  root = await temporaryDirectory()
})
afterEach(() => rm(root, { recursive: true }))

const tfjsNode = { name: '@tensorflow/tfjs-node', version: '4.22.0' }

it('unpacks what npm packs', async () => {
  const npm = `cd ${root} && mkdir -p package && echo "$2" > package/asked && tar -czf modules/tensorflow-tfjs-node-4.22.0.tgz package
    echo '[{"filename":"tensorflow-tfjs-node-4.22.0.tgz"}]'`
  const options = await programs(join(root, 'bin'), { npm })
  options.env.PATH += `:${process.env.PATH}`
  await fetchPackages([tfjsNode], join(root, 'modules'), options)
  expect(await readFile(join(root, 'modules', tfjsNode.name, 'asked'), 'utf8')).toBe('@tensorflow/tfjs-node@4.22.0\n')
})

it('reads what all versions of npm print', () => {
  const entry = { filename: 'tensorflow-tfjs-node-4.22.0.tgz' }
  for (const printed of [[entry], { '@tensorflow/tfjs-node': entry }, [{ filename: '@tensorflow/tfjs-node-4.22.0.tgz' }]])
    expect(packedFile(JSON.stringify(printed))).toBe(entry.filename)
})

it('says what is missing', async () => {
  await expect(fetchPackages([tfjsNode], join(root, 'modules'), await programs(join(root, 'bin'), {}))).rejects.toThrow(
    'npm, which comes with Node, is not there',
  )
  const npm = 'echo "npm error code E404" >&2; exit 1'
  await expect(fetchPackages([tfjsNode], join(root, 'modules'), await programs(join(root, 'bin'), { npm }))).rejects.toThrow(
    'npm cannot download @tensorflow/tfjs-node@4.22.0 (npm ended with exit code 1: npm error code E404)',
  )
})
