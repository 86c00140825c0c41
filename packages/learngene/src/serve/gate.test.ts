import { expect, it, vi } from 'vitest'
import { gate } from './gate.js'

const never = new AbortController().signal

it('lets in what is together within the limit, in turn, and the next when work has ended or failed', async () => {
  const { run } = gate(10)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const work = (size: number, fails = false) =>
    run(size, never, () => {
      begun.push(size)
      return new Promise<number>((resolve, reject) => ends.push(() => (fails ? reject(new Error('broken')) : resolve(size))))
    })
  const all = [work(6, true), work(4), work(5), work(1)].map((each) => each.catch((error: Error) => error.message))
  await vi.waitFor(() => expect(begun).toEqual([6, 4]))
  // The one of 1 would fit, but comes after that of 5.
  ends[1]!()
  expect(await all[1]).toBe(4)
  expect(begun).toEqual([6, 4])
  ends[0]!()
  await vi.waitFor(() => expect(begun).toEqual([6, 4, 5, 1]))
  ends[2]!()
  ends[3]!()
  expect(await Promise.all(all)).toEqual(['broken', 4, 5, 1])
})

it('lets what waits go where its signal aborts, and those behind it in', async () => {
  const { run } = gate(3)
  let end = () => {}
  const first = run(2, never, () => new Promise<void>((resolve) => (end = resolve)))
  const gone = new AbortController()
  const work = vi.fn(async () => {})
  const second = run(2, gone.signal, work)
  const third = run(1, never, async () => 'in')
  gone.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  expect(await third).toBe('in')
  expect(work).not.toHaveBeenCalled()
  await expect(run(1, gone.signal, work)).rejects.toThrow('gone')
  end()
  await first
  await run(3, never, work)
  expect(work).toHaveBeenCalledOnce()
})
