import type { Dataset } from '@learngene/interfaces'
import { eachInParallel } from './each-picture.js'
import type { ReadAllOptions } from './in-memory.js'
import { listed } from './listed.js'
import { subset } from './subset.js'

/** A picture that cannot be read. */
export interface UnreadablePicture {
  readonly index: number
  readonly name: string
  /** What the decoder said. */
  readonly reason: string
}

/**
 * Decodes every picture once and finds those that cannot be read, in their order; keeps none.
 *
 * @throws where the signal aborts, and nothing else
 */
export const checkPictures = async (dataset: Dataset, options: ReadAllOptions = {}): Promise<readonly UnreadablePicture[]> => {
  const { report, signal } = options
  const unreadable: UnreadablePicture[] = []
  let done = 0
  const check = async (index: number) => {
    try {
      await dataset.picture(index, signal)
    } catch (error) {
      signal?.throwIfAborted()
      unreadable.push({ index, name: dataset.nameOf(index), reason: error instanceof Error ? error.message : String(error) })
    }
    report?.({ kind: 'progress', done: ++done, total: dataset.length })
  }
  await eachInParallel(dataset.length, check, options)
  return unreadable.sort((a, b) => a.index - b.index)
}

/**
 * The pictures of a dataset that can be read, after {@link checkPictures}, and those that are left out.
 *
 * @throws where none can be read, naming the first
 */
export const readableOnly = async (
  dataset: Dataset,
  options: ReadAllOptions = {},
): Promise<{ readonly dataset: Dataset; readonly unreadable: readonly UnreadablePicture[] }> => {
  const unreadable = await checkPictures(dataset, options)
  if (unreadable.length === 0) return { dataset, unreadable }
  if (unreadable.length === dataset.length) throw new Error(faultOf(dataset, unreadable))
  const leftOut = new Set(unreadable.map(({ index }) => index))
  const readable = Array.from({ length: dataset.length }, (_, index) => index).filter((index) => !leftOut.has(index))
  return { dataset: subset(dataset, readable), unreadable }
}

/** @throws one line that counts the pictures which cannot be read and names the first ten, after {@link checkPictures} */
export const requireReadable = async (dataset: Dataset, options: ReadAllOptions = {}): Promise<void> => {
  const unreadable = await checkPictures(dataset, options)
  if (unreadable.length > 0) throw new Error(faultOf(dataset, unreadable))
}

const faultOf = (dataset: Dataset, unreadable: readonly UnreadablePicture[]): string =>
  `${dataset.name}: all ${dataset.length} pictures must be readable, ${unreadable.length} are not: ${listed(
    unreadable.map(({ name, reason }) => (reason.includes(name) ? reason : `${name}: ${reason}`)),
    '; ',
  )}; mend or remove them, or train on readableOnly(dataset)`
