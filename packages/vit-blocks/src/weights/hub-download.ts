import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Reporter } from '@learngene/interfaces'
import { fetchProgress, PermanentError, type RetryOptions, withRetries } from './transfer.js'

export interface DownloadOptions extends RetryOptions {
  readonly report?: Reporter
}

/** A file to be downloaded. */
export interface Download {
  /** Names the file in errors and progress. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the content, or git's SHA-1 of it as a blob; hexadecimal. */
  readonly hash: string
  /** Gives the content; called anew for every attempt. */
  content(): Promise<Blob>
}

/**
 * Downloads into `path`, by way of `path.incomplete`. What an interrupted download left there is kept and continued, in this call or a later one.
 * Every byte has its place, so that two processes that download the same file do each other no harm.
 *
 * @throws Error of one line when it does not succeed after all retries, or the content is not what the hash says; then nothing of it is kept
 */
export async function downloadTo(path: string, download: Download, options: DownloadOptions): Promise<void> {
  const { name, size } = download
  const incomplete = `${path}.incomplete`
  const progress = fetchProgress(options.report, `download ${name}`, size, Math.min(await sizeOf(incomplete), size))
  try {
    await withRetries(() => receive(incomplete, download, progress, options.signal), options)
    await checkHash(incomplete, download)
    await rename(incomplete, path)
  } catch (error) {
    const anotherWasFaster = await exists(path)
    if (!anotherWasFaster) throw error
  }
}

/** Reads on from where the file ends. */
async function receive(path: string, { name, size, content }: Download, progress: (bytes: number) => void, signal?: AbortSignal) {
  const file = await open(path, 'a').then((created) => created.close().then(() => open(path, 'r+')))
  try {
    let position = (await file.stat()).size
    if (position > size) {
      await file.truncate(0)
      position = 0
    }
    if (position === size) return
    const blob = await content()
    for await (const bytes of (position === 0 ? blob : blob.slice(position, size)).stream()) {
      signal?.throwIfAborted()
      if (position + bytes.length > size) {
        await file.truncate(0)
        throw new PermanentError(`${name}: the server must send ${size} bytes, but it sends more`)
      }
      await writeAll(file, bytes, position)
      position += bytes.length
      progress(bytes.length)
    }
    if (position < size) throw new Error(`${name}: the connection ended after ${position} of ${size} bytes`)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
  }
}

async function checkHash(path: string, { name, hash }: Download): Promise<void> {
  const found = await hashOf(path, hash)
  if (found === hash) return
  await rm(path, { force: true })
  throw new Error(`${name}: the content must have the hash ${hash}, but has ${found}; the download was damaged and removed, try again`)
}

/** The hash of a file, of the kind of another one: SHA-256, or git's SHA-1 of it as a blob. */
async function hashOf(path: string, like: string): Promise<string> {
  const sum = like.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${(await stat(path)).size}\0`)
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20 })) sum.update(bytes)
  return sum.digest('hex')
}

/** Whether a file of the cache that is named by its hash still has it. Files of other names are taken to be whole. */
export async function isIntact(path: string): Promise<boolean> {
  const hash = basename(path)
  return !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash) || (await hashOf(path, hash)) === hash
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
