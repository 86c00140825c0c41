import { expect, it, vi } from 'vitest'
import { batchQueue } from './batch-queue.js'

const never = new AbortController().signal

/** Work that ends when it is told to. */
function heldWork() {
  const batches: { readonly key: number; readonly items: readonly string[]; end(error?: Error): void }[] = []
  const work = (key: number, items: readonly string[]) =>
    new Promise<string[]>((resolve, reject) => {
      batches.push({ key, items, end: (error) => (error ? reject(error) : resolve(items.map((item) => `${key}${item}`))) })
    })
  return { batches, work }
}

it('works on a lone item at once, and on what has come since in one batch of a key, the longest waiting first', async () => {
  const { batches, work } = heldWork()
  const queue = batchQueue(3, work)
  const results = Promise.all([
    queue.push(0, 'a', never),
    queue.push(1, 'b', never),
    queue.push(0, 'c', never),
    queue.push(1, 'd', never),
    queue.push(1, 'e', never),
    queue.push(1, 'f', never),
  ])
  for (const length of [6, 5, 2, 1]) {
    await vi.waitFor(() => expect(batches.length).toBe([6, 5, 2, 1].indexOf(length) + 1))
    expect(queue.length).toBe(length)
    batches.at(-1)!.end()
    await Promise.resolve()
  }
  expect(await results).toEqual(['0a', '1b', '0c', '1d', '1e', '1f'])
  expect(batches.map(({ key, items }) => [key, items.join('')])).toEqual([
    [0, 'a'],
    [1, 'bde'],
    [0, 'c'],
    [1, 'f'],
  ])
  expect(queue.length).toBe(0)
})

it('fails the items of a batch that fails, and no others', async () => {
  const { batches, work } = heldWork()
  const queue = batchQueue(2, work)
  const results = ['a', 'b', 'c'].map((item) => queue.push(0, item, never).catch((error: Error) => error.message))
  batches[0]!.end()
  await vi.waitFor(() => expect(batches).toHaveLength(2))
  batches[1]!.end(new Error('broken'))
  expect(await Promise.all(results)).toEqual(['0a', 'broken', 'broken'])
  const after = queue.push(0, 'd', never)
  await vi.waitFor(() => expect(batches).toHaveLength(3))
  batches[2]!.end()
  expect(await after).toBe('0d')
})

it('lets an item go where its signal aborts, while it waits and while it is worked on', async () => {
  const { batches, work } = heldWork()
  const queue = batchQueue(2, work)
  const [first, second] = [new AbortController(), new AbortController()]
  const results = [queue.push(0, 'a', first.signal), queue.push(0, 'b', second.signal)].map((result) =>
    result.catch((error: Error) => error.message),
  )
  second.abort(new Error('gone'))
  expect(await results[1]).toBe('gone')
  expect(queue.length).toBe(1)
  first.abort(new Error('gone too'))
  expect(await results[0]).toBe('gone too')
  batches[0]!.end()
  await vi.waitFor(() => expect(queue.length).toBe(0))
  expect(batches).toHaveLength(1)
  await expect(queue.push(0, 'c', first.signal)).rejects.toThrow('gone too')
})
