import type { ByteSource, Reporter } from '@learngene/interfaces'
import { fetchProgress, PermanentError, type RetryOptions, withRetries } from './transfer.js'

export interface UrlOptions extends RetryOptions {
  /** Default the global one. */
  readonly fetch?: typeof fetch
  /** Sent with every request, for example `{ Authorization: 'Bearer …' }`. */
  readonly headers?: { readonly [name: string]: string }
  /** Bytes of one request, read ahead where less is asked for; default 8 MiB. */
  readonly chunkBytes?: number
  readonly report?: Reporter
}

/** Bytes of a file from `start` on, and what the server says about the whole. */
interface Part {
  readonly start: number
  readonly bytes: Uint8Array
  readonly total: number
  /** Tells the file from itself after a change. */
  readonly etag: string | null
}

/**
 * A file on a server as a source: read by range requests of some MiB, tried again when they fail; from a server without ranges as a whole.
 *
 * @returns undefined where the server has no such file (404 or 410)
 * @throws Error of one line naming the URL when the server refuses, cannot be reached, or the file changes while it is read
 */
export async function urlSource(url: string | URL, options: UrlOptions = {}): Promise<ByteSource | undefined> {
  const { chunkBytes = 8 * 2 ** 20 } = options
  let current = await fetchPart(url, 0, chunkBytes, options)
  if (!current) return undefined
  const { total, etag } = current
  const progress = fetchProgress(options.report, `fetch ${nameOf(url)}`, total)
  progress(current.bytes.length)
  return {
    byteLength: total,
    async slice(start, end) {
      const have = current!
      if (start >= have.start && end <= have.start + have.bytes.length) return have.bytes.subarray(start - have.start, end - have.start)
      const part = await fetchPart(url, start, Math.min(Math.max(end, start + chunkBytes), total), options)
      if (part === undefined || part.total !== total || part.etag !== etag) {
        throw new PermanentError(`${url}: the file must stay as it is while it is read, but it was changed; open it again`)
      }
      current = part
      progress(part.bytes.length)
      return part.bytes.subarray(start - part.start, end - part.start)
    },
  }
}

/** The bytes start to end, fewer where the file ends before; undefined where there is no file. */
async function fetchPart(url: string | URL, start: number, end: number, options: UrlOptions): Promise<Part | undefined> {
  try {
    return await withRetries(() => fetchOnce(url, start, end, options), options)
  } catch (error) {
    if (error instanceof PermanentError || options.signal?.aborted) throw error
    throw new Error(`${url}: cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

async function fetchOnce(url: string | URL, start: number, end: number, options: UrlOptions): Promise<Part | undefined> {
  const { fetch: request = fetch, headers, signal } = options
  const response = await request(url, { headers: { ...headers, Range: `bytes=${start}-${end - 1}` }, signal })
  const etag = response.headers.get('etag')
  if (response.status === 206) {
    const [, first, , size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
    const bytes = new Uint8Array(await response.arrayBuffer())
    const total = Number(size)
    if (Number(first) !== start || bytes.length !== Math.min(end, total) - start) {
      throw new Error(
        `asked for bytes ${start} to ${end}, got ${bytes.length} bytes, Content-Range ${response.headers.get('content-range')}`,
      )
    }
    return { start, bytes, total, etag }
  }
  if (response.status === 200) {
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { start: 0, bytes, total: bytes.length, etag }
  }
  await response.body?.cancel()
  if (response.status === 404 || response.status === 410) return undefined
  if (response.status === 416 && start === 0) return { start, bytes: new Uint8Array(0), total: 0, etag }
  const answer = `the server answers ${response.status} ${response.statusText}`.trimEnd()
  if (response.status === 429 || response.status >= 500) throw new Error(answer)
  throw new PermanentError(`${url}: cannot be read: ${answer}`)
}

/** What a failed request says; `fetch` keeps the reason in `cause`. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const inner = cause instanceof Error ? (cause as { code?: string }).code || cause.message : undefined
  return [message ?? String(error), inner].filter(Boolean).join(': ')
}

function nameOf(url: string | URL): string {
  return new URL(url).pathname.split('/').at(-1)!
}
