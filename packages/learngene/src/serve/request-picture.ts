import { formatMeasure } from '@learngene/budget-search'
import { type PictureHeader, prepareEncoded, readPictureHeader } from '@learngene/datasets/node'
import type { RawImage } from '@learngene/interfaces'
import { oneLine } from '../errors.js'
import type { EngineFacts } from './engine.js'
import type { Gate } from './gate.js'
import { Refusal } from './refusal.js'

/** What sharp names the files that `classify` takes. */
const FORMATS: readonly string[] = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']

const TAKEN = 'JPEG, PNG, WebP, GIF, AVIF and TIFF are taken'

/** Of one picture, and of all that are decoded at a time: 3 bytes each. A file of some kilobytes can hold billions. */
export const MOST_PIXELS = 64e6

/**
 * The picture that a request's body is, or the one file of its form.
 *
 * @param maxBytes of the body
 * @param signal ends the reading
 * @throws Refusal where there is none, it is too large, or the body is of another kind
 */
export async function pictureBytes(request: Request, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const type = request.headers.get('content-type') ?? ''
  const [kind] = type.toLowerCase().split(';') as [string]
  if (kind === 'application/json' || kind.startsWith('text/'))
    throw new Refusal(415, `the body must be a picture's file, or a form with one; got ${kind}: ${TAKEN}`)
  const bytes = await readBody(request, maxBytes, signal)
  if (kind !== 'multipart/form-data') {
    if (bytes.length === 0) throw new Refusal(400, "the body must be a picture's file, or a form with one; it is empty")
    return bytes
  }
  const form = await new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } }).formData().catch((error) => {
    throw new Refusal(400, `the form cannot be read: ${oneLine(error)}`)
  })
  const files = [...form.values()].filter((value) => typeof value !== 'string')
  if (files.length !== 1)
    throw new Refusal(400, `the form must hold one file, a picture; it holds ${files.length}: send one request for each picture`)
  const file = new Uint8Array(await files[0]!.arrayBuffer())
  if (file.length === 0) throw new Refusal(400, 'the file of the form must be a picture; it is empty')
  return file
}

/** @throws Refusal as soon as it is known that there are more bytes */
async function readBody({ headers, body }: Request, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const tooLarge = (size: string) =>
    new Refusal(413, `the body must be of at most ${formatMeasure('bytes', maxBytes)}; got ${size}: send a smaller picture`)
  const stated = Number(headers.get('content-length') ?? 0)
  if (stated > maxBytes) throw tooLarge(`${formatMeasure('bytes', stated)}`)
  if (!body) return new Uint8Array()
  const reader = body.getReader()
  const cancel = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const parts: Uint8Array[] = []
    let size = 0
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) break
      size += value.length
      if (size > maxBytes) {
        cancel()
        throw tooLarge('more')
      }
      parts.push(value)
    }
    const bytes = new Uint8Array(size)
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/**
 * Decodes a picture and brings it to what the models take; on another thread where there can be one.
 *
 * @param decoding lets in as many pixels as are decoded at a time
 * @throws the signal's reason, while the picture waits to be decoded; Refusal where it is of another kind, damaged, too large, or of a size that the models' preprocessing does not take
 */
export async function preparedPicture(
  bytes: Uint8Array,
  { preprocessing }: Pick<EngineFacts, 'preprocessing'>,
  decoding: Gate,
  signal: AbortSignal,
): Promise<RawImage> {
  const { format, height, width }: PictureHeader = await readPictureHeader(bytes).catch((error) => {
    const reason = reasonOf(error)
    throw reason.includes('unsupported image format')
      ? new Refusal(415, `the file ${reason}: ${TAKEN}`)
      : new Refusal(400, `the picture cannot be taken: it ${reason}`)
  })
  if (!FORMATS.includes(format)) throw new Refusal(415, `pictures of kind ${format} are not taken: ${TAKEN}`)
  if (height * width > MOST_PIXELS)
    throw new Refusal(413, `a picture must have at most ${MOST_PIXELS / 1e6} million pixels; got ${height} x ${width}: make it smaller`)
  return decoding.run(height * width, signal, () =>
    prepareEncoded(bytes, preprocessing).catch((error) => {
      throw new Refusal(400, `the picture cannot be taken: ${reasonOf(error)}`)
    }),
  )
}

/** Without what files are called where they have no name. */
const reasonOf = (error: unknown): string => oneLine(error).replace(/^image of \d+ bytes: /, '')
