import { expect, it, vi } from 'vitest'
import { type PictureWorker, type PoolReply, type PoolRequest, picturePool, replyTo } from './pool.js'
import type { DecodePlace, PictureTask } from './prepare.js'

/** Decodes a path to one pixel of its length, or fails. */
const decode: DecodePlace = async (place) => {
  const path = 'path' in place ? place.path : ''
  if (path === '') throw new Error('no path')
  return { data: Uint8Array.of(path.length), height: 1, width: 1, channels: 1 }
}
const task = (path: string): PictureTask => ({ from: { path, options: {} }, preparation: { mean: [0], std: [1] } })
const pixel = (value: number) => ({ data: Uint8Array.of(value), height: 1, width: 1, channels: 1 })

/** Workers on this thread, which answer when told to. */
function fakes() {
  const started: (PictureWorker & { answer(): Promise<void>; fail(): void; readonly requests: PoolRequest[]; readonly held: boolean[] })[] =
    []
  const start = () => {
    let onMessage: (reply: PoolReply) => void = () => {}
    let onFailure = () => {}
    const requests: PoolRequest[] = []
    const held: boolean[] = []
    const worker = {
      requests,
      held,
      post: (request: PoolRequest) => void requests.push(request),
      listen(message: typeof onMessage, failure: () => void) {
        onMessage = message
        onFailure = failure
      },
      hold: (isHeld: boolean) => void held.push(isHeld),
      terminate: vi.fn(() => onFailure()),
      async answer() {
        for (const request of requests.splice(0)) onMessage(await replyTo(request, decode))
      },
      fail: () => onFailure(),
    }
    started.push(worker)
    return worker
  }
  return { started, start }
}

it('starts as many workers as there is work for, and gives it to the least busy', async () => {
  const { started, start } = fakes()
  const pool = picturePool({ size: 2, start, decode })
  const found = ['a', 'bb', 'ccc', 'dddd'].map((path) => pool.run(task(path)))
  expect(started.map(({ requests }) => requests.length)).toEqual([2, 2])
  await Promise.all(started.map((worker) => worker.answer()))
  expect((await Promise.all(found)).map(({ image }) => image)).toEqual([1, 2, 3, 4].map(pixel))
  void pool.run(task('e'))
  expect(started.map(({ requests }) => requests.length)).toEqual([1, 0])
  expect(started.map(({ held }) => held)).toEqual([
    [true, true, false, true],
    [true, true, false],
  ])
})

it('tells what fails', async () => {
  const { started, start } = fakes()
  const failed = picturePool({ size: 1, start, decode }).run(task(''))
  await started[0]!.answer()
  await expect(failed).rejects.toThrow('no path')
})

it('does the work of a worker that fails itself, and starts no other', async () => {
  const { started, start } = fakes()
  const pool = picturePool({ size: 3, start, decode })
  const found = ['a', ''].map((path) => pool.run(task(path)).catch((error: Error) => error.message))
  started[0]!.fail()
  expect(await found[0]).toEqual({ framed: pixel(1), image: pixel(1) })
  started[1]!.fail()
  expect(await found[1]).toBe('no path')
  expect((await pool.run(task('bb'))).image).toEqual(pixel(2))
  expect(started).toHaveLength(2)
})

it('works without workers', async () => {
  const start = vi.fn(() => undefined)
  const pool = picturePool({ size: 3, start, decode })
  expect((await pool.run(task('bb'))).image).toEqual(pixel(2))
  await expect(pool.run(task(''))).rejects.toThrow('no path')
  expect(start).toHaveBeenCalledOnce()
})

it('lets go at once where the signal aborts', async () => {
  const { started, start } = fakes()
  const pool = picturePool({ size: 1, start, decode })
  const controller = new AbortController()
  const found = pool.run(task('a'), controller.signal)
  controller.abort(new Error('enough'))
  await expect(found).rejects.toThrow('enough')
  await started[0]!.answer()
  await expect(pool.run(task('a'), controller.signal)).rejects.toThrow('enough')
  expect(started[0]!.requests).toHaveLength(0)
})

it('ends workers that are idle, and starts others when there is work again', async () => {
  const { started, start } = fakes()
  const pool = picturePool({ size: 1, start, decode, idle: 1 })
  const first = pool.run(task('a'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(started[0]!.terminate).not.toHaveBeenCalled()
  await started[0]!.answer()
  await first
  await vi.waitFor(() => expect(started[0]!.terminate).toHaveBeenCalledOnce())
  const second = pool.run(task('bb'))
  await started[1]!.answer()
  expect((await second).image).toEqual(pixel(2))
})

it('does not end workers whose answer is not heard in time, as where the thread that asked computes for long', async () => {
  const { started, start } = fakes()
  const pool = picturePool({ size: 1, start, decode, idle: 1 })
  const first = pool.run(task('a'))
  await started[0]!.answer()
  await first
  const second = pool.run(task('bb'))
  const until = performance.now() + 20
  while (performance.now() < until); // the time after which idle workers end passes, and nothing could be heard
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(started[0]!.terminate).not.toHaveBeenCalled()
  await started[0]!.answer()
  expect((await second).image).toEqual(pixel(2))
})
