import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { downloadTo } from './hub-download.js'

const bytes = Uint8Array.from({ length: 300 }, (_, i) => i)
const sha256 = createHash('sha256').update(bytes).digest('hex')
const gitSha1 = createHash('sha1').update('blob 300\0').update(bytes).digest('hex')
const content = async () => new Blob([bytes])
const options = { retries: 1, retryDelay: 1 }
let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'))
  path = join(folder, 'file')
})
afterEach(() => rm(folder, { recursive: true }))

it.each([sha256, gitSha1])('downloads what has the hash %s', async (hash) => {
  await downloadTo(path, { name: 'x', size: 300, hash, content }, options)
  expect(new Uint8Array(await readFile(path))).toEqual(bytes)
  expect(await readdir(folder)).toEqual(['file'])
})

it.each([0, 120, 300, 400])('starts from what is there: %d bytes', async (there) => {
  await writeFile(`${path}.incomplete`, there > 300 ? new Uint8Array(there) : bytes.subarray(0, there))
  await downloadTo(path, { name: 'x', size: 300, hash: sha256, content }, options)
  expect(new Uint8Array(await readFile(path))).toEqual(bytes)
})

it('refuses more bytes, fewer bytes and other bytes than there must be', async () => {
  const refused = (content: () => Promise<Blob>) => downloadTo(path, { name: 'x', size: 300, hash: sha256, content }, options)
  await expect(refused(async () => new Blob([bytes, bytes]))).rejects.toThrow('x: the server must send 300 bytes, but it sends more')
  await expect(refused(async () => new Blob([new Uint8Array(0)]))).rejects.toThrow('x: the connection ended after 0 of 300 bytes')
  await expect(refused(async () => new Blob([new Uint8Array(300)]))).rejects.toThrow(
    `x: the content must have the hash ${sha256}, but has ${createHash('sha256').update(new Uint8Array(300)).digest('hex')}`,
  )
  expect(await readdir(folder)).toEqual([])
})

it('is content where another process was faster', async () => {
  const faster = async () => {
    await writeFile(path, bytes)
    throw new Error('too late')
  }
  await downloadTo(path, { name: 'x', size: 300, hash: sha256, content: faster }, options)
  expect(new Uint8Array(await readFile(path))).toEqual(bytes)
})
